//! For tools that test how others bear broken rules, behind the feature `dangerous-raw-frames`: frames of any opcode, with
//! reserved bits, lengths and masks as they should not be, and bytes that are no frame.
//!
//! ```no_run
//! use tidewire_tokio::raw::{Frame, LengthForm};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ws = tidewire_tokio::connect("ws://localhost:9001").await?;
//! // §5.2: "the minimal number of bytes MUST be used to encode the length".
//! let overlong = Frame::text("hello").length_form(LengthForm::EightBytes);
//! ws.dangerous_raw().send(&overlong).await?;
//! let answer = ws.recv().await;
//! assert!(answer.is_err(), "the server takes it");
//! # Ok(())
//! # }
//! ```
//!
//! What is sent this way is no business of the connection's, which goes on as if nothing had been: a Close frame does not begin
//! a closing handshake, a Ping is not waited for, half of a message opens none, nothing is compressed or counted among the
//! messages. Whoever breaks a rule may leave the connection out of step, with the peer and with itself.
//!
//! A frame goes through the same queue as messages do, in order, and never splits one that was queued. It may stand between
//! the pieces of a message ([`send_pieces`](crate::WebSocket::send_pieces)), and behind our Close frame until the peer's.
//!
//! Masking keys come from where the connection has them, unless a frame brings its own;
//! [`dangerous_masking_keys`](crate::ConfigBuilder::dangerous_masking_keys) gives all frames of a client's connections a source
//! of one's own.
//!
//! What comes back is received as ever: the end of the connection names the rule that the peer breaks. Who wants to see its
//! frames one by one takes a scripted peer, `test::Peer` (feature `test-util`), which keeps no rules at all.

use std::fmt;

pub use tidewire_common::raw::{Frame, LengthForm};

use tidewire_common::Error;

use crate::calls;
use crate::shared::Shared;
use crate::split::Sender;
use crate::state::Transport;
use crate::websocket::WebSocket;

/// A connection, to send frames on that may break rules: see the [module](self).
///
/// ```no_run
/// # async fn example(ws: tidewire_tokio::WebSocket) -> Result<(), tidewire_tokio::Error> {
/// use tidewire_tokio::raw::Frame;
///
/// let raw = ws.dangerous_raw();
/// raw.send(&Frame::new(0x3, "no such opcode")).await?;
/// raw.send_bytes(b"\x81\xffhalf a header").await?;
/// # Ok(())
/// # }
/// ```
pub struct Raw<'c, S> {
    shared: &'c Shared<S>,
}

impl<S: Transport> Raw<'_, S> {
    /// Sends a frame as it is, when what was queued before has left; waits as [`send`](WebSocket::send) does.
    ///
    /// # Errors
    /// How the connection ended, or [`SendError::Closed`](crate::SendError::Closed) once both Close frames were exchanged.
    ///
    /// # Cancel safety
    /// All or nothing, as for [`send`](WebSocket::send).
    pub async fn send(&self, frame: &Frame) -> Result<(), Error> {
        calls::send_aside(self.shared, |session, now| session.send_raw_frame(now, frame)).await
    }

    /// Sends bytes as they are; otherwise as [`send`](Self::send).
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As for [`send`](Self::send).
    pub async fn send_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        calls::send_aside(self.shared, |session, _| session.send_raw_bytes(bytes)).await
    }
}

impl<S: Transport> WebSocket<S> {
    /// What sends frames that may break rules: see the module [`raw`](self).
    pub fn dangerous_raw(&self) -> Raw<'_, S> {
        Raw { shared: &self.handle }
    }
}

impl<S: Transport> Sender<S> {
    /// What sends frames that may break rules: see the module [`raw`](self).
    pub fn dangerous_raw(&self) -> Raw<'_, S> {
        Raw { shared: &self.handle }
    }
}

impl<S> fmt::Debug for Raw<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}
