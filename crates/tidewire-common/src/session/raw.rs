//! What a testing tool has sent as it is.

use tidewire_proto::frame::Sender;
use tidewire_proto::{Instant, Phase, SendError};

use super::{Core, Session};
use crate::error::Error;
use crate::log;
use crate::raw::Frame;

impl Session {
    /// Queues a frame as it is; the connection takes no note of what it means.
    ///
    /// # Errors
    /// The end of the connection, or [`SendError::Closed`] once both Close frames were exchanged.
    pub fn send_raw_frame(&mut self, now: Instant, frame: &Frame) -> Result<(), Error> {
        self.check_raw()?;
        let sender = match self.core {
            Core::Server(_) => Sender::Server,
            Core::Client(_) | Core::Tester(_) => Sender::Client,
        };
        let bytes = with_writer!(self, now, tx => {
            frame.encode(sender, || tx.masking_key().unwrap_or_else(rand::random))
        });
        self.append_raw(&bytes);
        Ok(())
    }

    /// Queues bytes as they are.
    ///
    /// # Errors
    /// As for [`send_raw_frame`](Self::send_raw_frame).
    pub fn send_raw_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.check_raw()?;
        self.append_raw(bytes);
        Ok(())
    }

    fn append_raw(&mut self, bytes: &[u8]) {
        self.output.append(|out| out.extend_from_slice(bytes));
        log::sent(self.id, "raw bytes", bytes);
    }

    /// Behind our own Close frame there may still be something to be tried; behind both, our side of the transport is or
    /// will be shut down.
    fn check_raw(&self) -> Result<(), Error> {
        self.check_end()?;
        match self.phase() {
            Phase::Over => Err(SendError::Closed.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidewire_proto::{Client, Connection, Server};

    use super::*;
    use crate::masks::SystemMasks;

    #[test]
    fn keys_of_a_testers_own_make_no_connection_larger() {
        #[expect(dead_code, reason = "measured, never made")]
        enum Without {
            Server(Connection<Server>),
            Client(Connection<Client<SystemMasks>>),
        }
        assert_eq!(size_of::<Core>(), size_of::<Without>());
    }
}
