//! For tools that test how others bear broken rules, behind the feature `dangerous-raw-frames`: frames of any opcode, with
//! reserved bits, lengths and masks as they should not be, and bytes that are no frame.
//!
//! ```no_run
//! use tidewire_blocking::raw::{Frame, LengthForm};
//!
//! let mut ws = tidewire_blocking::connect("ws://localhost:9001").open()?;
//! // §5.2: "the minimal number of bytes MUST be used to encode the length".
//! let overlong = Frame::text("hello").length_form(LengthForm::EightBytes);
//! ws.dangerous_raw().send(&overlong)?;
//! let answer = ws.recv();
//! assert!(answer.is_err(), "the server takes it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
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
use std::sync::Arc;

pub use tidewire_common::raw::{Frame, LengthForm};

use tidewire_common::Error;

use crate::link::Link;
use crate::split::Sender;
use crate::transport::Transport;
use crate::websocket::WebSocket;

/// A connection, to send frames on that may break rules: see the [module](self).
///
/// ```no_run
/// # fn example(ws: tidewire_blocking::WebSocket) -> Result<(), tidewire_blocking::Error> {
/// use tidewire_blocking::raw::Frame;
///
/// let raw = ws.dangerous_raw();
/// raw.send(&Frame::new(0x3, "no such opcode"))?;
/// raw.send_bytes(b"\x81\xffhalf a header")?;
/// # Ok(())
/// # }
/// ```
pub struct Raw<'c, S: Transport> {
    link: &'c Arc<Link<S>>,
}

impl<S: Transport> Raw<'_, S> {
    /// Sends a frame as it is, when what was queued before has left; waits as [`send`](WebSocket::send) does.
    ///
    /// # Errors
    /// How the connection ended, or [`SendError::Closed`](crate::SendError::Closed) once both Close frames were exchanged.
    pub fn send(&self, frame: &Frame) -> Result<(), Error> {
        self.link
            .send_aside(|session, now| session.send_raw_frame(now, frame))
    }

    /// Sends bytes as they are; otherwise as [`send`](Self::send).
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        self.link.send_aside(|session, _| session.send_raw_bytes(bytes))
    }
}

impl<S: Transport> WebSocket<S> {
    /// What sends frames that may break rules: see the module [`raw`](self).
    pub fn dangerous_raw(&self) -> Raw<'_, S> {
        Raw { link: &self.handle }
    }
}

impl<S: Transport> Sender<S> {
    /// What sends frames that may break rules: see the module [`raw`](self).
    pub fn dangerous_raw(&self) -> Raw<'_, S> {
        Raw { link: &self.handle }
    }
}

impl<S: Transport> fmt::Debug for Raw<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}
