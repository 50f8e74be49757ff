//! What the sending half does with messages where extensions were agreed on.

use crate::event::{End, Message};
use crate::extension::Encoded;
use crate::frame::{Opcode, ReservedBits};
use crate::role::Role;
use crate::writer::{Writer, first_opcode};

/// What extensions made of a message.
pub(crate) enum Coded {
    Appended,
    Unchanged,
    Refused,
}

impl<R: Role> Writer<'_, R> {
    /// Appends a message as extensions have it, where they make anything of it.
    #[inline]
    pub(crate) fn code(&mut self, message: Message<'_>) -> Coded {
        if self.state.coding.is_some() {
            self.code_where_agreed(message)
        } else {
            Coded::Unchanged
        }
    }

    // Cold, so that it takes no registers from those who have agreed on nothing; a call is little beside what it does.
    #[cold]
    fn code_where_agreed(&mut self, message: Message<'_>) -> Coded {
        let opcode = first_opcode(message.kind());
        match self.encode(message) {
            Encoded::Payload(encoded) => {
                let bits = self.state.encoded_bits();
                if !self.compress(opcode, bits, Message::Binary(&encoded)) {
                    self.frame(opcode, bits, End::Last, &encoded);
                }
            }
            Encoded::Unchanged => {
                if !self.compress(opcode, ReservedBits::NONE, message) {
                    return Coded::Unchanged;
                }
            }
            Encoded::Refused => return Coded::Refused,
        }
        Coded::Appended
    }

    /// What an extension of the application's makes of a message.
    #[inline]
    pub(crate) fn encode(&mut self, message: Message<'_>) -> Encoded {
        match &mut self.state.coding {
            Some(coding) => coding.encode(message),
            None => Encoded::Unchanged,
        }
    }

    /// Appends a message compressed, where that was agreed on and is worth while; `others` are the bits of those who had it
    /// before.
    fn compress(&mut self, opcode: Opcode, others: ReservedBits, message: Message<'_>) -> bool {
        let deflater = match self.state.deflate() {
            Some(deflate) => deflate.message(message),
            None => None,
        };
        let Some(deflater) = deflater else {
            return false;
        };
        let reserved = others.and(ReservedBits::RSV1);
        self.compressed(opcode, reserved, End::Last, deflater, message.as_bytes());
        true
    }
}
