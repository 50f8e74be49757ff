use tidewire_common::Error;

use crate::link::ReceiveError;

/// Why [`recv_timeout`](crate::WebSocket::recv_timeout) gives no message.
#[derive(Debug, thiserror::Error)]
pub enum RecvTimeoutError {
    /// None came in time; the connection goes on.
    #[error("no message arrived in time")]
    Timeout,
    /// The connection ended, otherwise than well.
    #[error(transparent)]
    Failed(Error),
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
