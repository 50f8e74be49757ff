use std::error::Error as StdError;
use std::fmt;

use tidewire_common::Error;

use crate::link::ReceiveError;

/// Why [`recv_timeout`](crate::WebSocket::recv_timeout) gives no message.
#[derive(Debug)]
pub enum RecvTimeoutError {
    /// None came in time; the connection goes on.
    Timeout,
    /// The connection ended, otherwise than well.
    Failed(Error),
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no message arrived in time"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl StdError for RecvTimeoutError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Timeout => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl From<ReceiveError> for RecvTimeoutError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Timeout => Self::Timeout,
            ReceiveError::Failed(error) => Self::Failed(error),
        }
    }
}

/// The result of receiving without a deadline.
pub(crate) fn forever<T>(result: Result<Option<T>, ReceiveError>) -> Result<Option<T>, Error> {
    match result {
        Ok(item) => Ok(item),
        Err(ReceiveError::Failed(error)) => Err(error),
        // Without a deadline there is no such end.
        Err(ReceiveError::Timeout) => Ok(None),
    }
}
