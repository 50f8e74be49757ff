use alloc::boxed::Box;
use core::fmt;
use std::sync::OnceLock;

use super::sending::Sending;
use crate::deflate::context::WindowBits;
use crate::encoding::Coded;
use crate::error::SendError;
use crate::event::{End, Message, OwnedMessage};
use crate::frame::ReservedBits;
use crate::role::Role;
use crate::writer::{Appended, Writer, first_opcode};

/// How many windows there are.
const WINDOWS: usize = (WindowBits::MAX.get() - WindowBits::MIN.get() + 1) as usize;

/// A message that is compressed once and sent on many connections.
///
/// It is compressed at the first connection that wants it so, once for each size of window, and as that connection's
/// [`Compression`](super::Compression) says. Where messages refer to earlier ones there is nothing to share: such a
/// connection compresses it for itself, as any other message.
pub struct Prepared {
    message: OwnedMessage,
    /// By window; `None` where that does not make it smaller.
    compressed: [OnceLock<Option<Box<[u8]>>>; WINDOWS],
}

impl Prepared {
    /// A message to be sent often.
    pub fn new(message: OwnedMessage) -> Self {
        Self {
            message,
            compressed: [const { OnceLock::new() }; WINDOWS],
        }
    }

    /// The message.
    pub fn as_message(&self) -> Message<'_> {
        self.message.as_message()
    }

    /// The payload of the frame that carries it, where that is compressed.
    fn payload(&self, deflate: &mut Sending) -> Option<&[u8]> {
        let window = deflate.window_bits().get() - WindowBits::MIN.get();
        let compressed = self.compressed.get(usize::from(window))?;
        let payload = compressed.get_or_init(|| deflate.stand_alone(self.as_message()));
        payload.as_deref()
    }
}

impl From<OwnedMessage> for Prepared {
    fn from(message: OwnedMessage) -> Self {
        Self::new(message)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.message).finish()
    }
}

impl<R: Role> Writer<'_, R> {
    /// Appends a prepared message as one frame.
    ///
    /// # Errors
    /// As for [`message`](Self::message).
    pub fn prepared(&mut self, prepared: &Prepared) -> Result<(), SendError> {
        self.check_message()?;
        match self.code_prepared(prepared) {
            Coded::Unchanged => self.plain(prepared.as_message()),
            Coded::Appended => {}
            Coded::Refused => return Err(SendError::NotEncoded),
        }
        Ok(())
    }

    /// Appends a prepared message, or only its header, as [`message_or_header`](Self::message_or_header) does.
    ///
    /// # Errors
    /// As for [`message`](Self::message).
    pub fn prepared_or_header(&mut self, prepared: &Prepared) -> Result<Appended, SendError> {
        self.check_message()?;
        match self.code_prepared(prepared) {
            Coded::Unchanged => Ok(self.plain_or_header(prepared.as_message())),
            Coded::Appended => Ok(Appended::Message),
            Coded::Refused => Err(SendError::NotEncoded),
        }
    }

    /// Appends a prepared message as extensions have it, where they make anything of it.
    fn code_prepared(&mut self, prepared: &Prepared) -> Coded {
        match self.state.shareable_deflate() {
            Some(deflate) if !deflate.keeps_context() => {
                let Some(payload) = prepared.payload(deflate) else {
                    return Coded::Unchanged;
                };
                let opcode = first_opcode(prepared.as_message().kind());
                self.frame(opcode, ReservedBits::RSV1, End::Last, payload);
                Coded::Appended
            }
            Some(_) | None => self.code(prepared.as_message()),
        }
    }
}
