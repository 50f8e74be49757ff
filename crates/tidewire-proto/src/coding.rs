use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::connection::Connection;
use crate::deflate::Sending;
use crate::error::{ConfigError, ProtocolError, SendError};
use crate::event::{Kind, Message};
use crate::extension::{Encoded, ReservedBit, Transform};
use crate::frame::ReservedBits;
use crate::role::Role;
use crate::writer::SendState;

/// What extensions make of the messages of a connection.
///
/// An extension of the application's decodes, too: the reader has the writer at hand, and the two directions of one
/// extension are one value.
#[derive(Debug)]
pub(crate) enum Coding {
    /// permessage-deflate alone.
    #[cfg_attr(
        not(feature = "deflate"),
        expect(dead_code, reason = "there is none without the feature")
    )]
    Deflate(Sending),
    /// An extension of the application's, and what it leaves for permessage-deflate. Boxed, so that it costs those nothing
    /// that have the other alone.
    Extended(Box<Extended>),
}

pub(crate) struct Extended {
    bits: ReservedBits,
    transform: Box<dyn Transform>,
    deflate: Option<Sending>,
}

impl Coding {
    pub(crate) fn deflate(&mut self) -> Option<&mut Sending> {
        match self {
            Self::Deflate(deflate) => Some(deflate),
            Self::Extended(extended) => extended.deflate.as_mut(),
        }
    }

    pub(crate) fn encode(&mut self, message: Message<'_>) -> Encoded {
        match self {
            Self::Deflate(_) => Encoded::Unchanged,
            Self::Extended(extended) => extended.transform.encode(message.kind(), message.as_bytes()),
        }
    }

    /// The bits of what was encoded.
    pub(crate) fn bits(&self) -> ReservedBits {
        match self {
            Self::Deflate(_) => ReservedBits::NONE,
            Self::Extended(extended) => extended.bits,
        }
    }

    pub(crate) fn decode(
        &mut self,
        kind: Kind,
        payload: Vec<u8>,
        limit: usize,
    ) -> Result<Vec<u8>, ProtocolError> {
        match self {
            Self::Deflate(_) => Ok(payload),
            Self::Extended(extended) => extended
                .transform
                .decode(kind, payload, limit)
                .map_err(ProtocolError::from),
        }
    }

    /// The bits of a message that is sent in fragments.
    pub(crate) fn fragmented(&self) -> Result<ReservedBits, SendError> {
        match self {
            Self::Deflate(_) => Ok(ReservedBits::RSV1),
            Self::Extended(_) => Err(SendError::Fragmented),
        }
    }

    /// What is needed after our Close frame: the peer's messages may still arrive.
    pub(crate) fn after_close(mut self: Box<Self>) -> Option<Box<Self>> {
        match &mut *self {
            Self::Deflate(_) => None,
            Self::Extended(extended) => {
                extended.deflate = None;
                Some(self)
            }
        }
    }
}

impl<R> SendState<R> {
    /// permessage-deflate where nothing else happens to messages, so that what it makes of one can be shared.
    #[cfg(feature = "deflate")]
    pub(crate) fn shareable_deflate(&mut self) -> Option<&mut Sending> {
        match self.coding.as_deref_mut()? {
            Coding::Deflate(deflate) => Some(deflate),
            Coding::Extended(_) => None,
        }
    }
}

impl<R: Role> Connection<R> {
    /// The same connection with an [extension](crate::extension) on which was agreed, too; to be called before anything
    /// else.
    ///
    /// Where permessage-deflate was agreed on, it compresses what the extension has made of a message.
    ///
    /// # Errors
    /// [`ConfigError::ReservedBit`] where permessage-deflate has the bit, [`ConfigError::Excluding`] for a second
    /// extension.
    pub fn with_extension(
        mut self,
        bit: ReservedBit,
        transform: Box<dyn Transform>,
    ) -> Result<Self, ConfigError> {
        let bits = bit.bits();
        if self.receive.extended != ReservedBits::NONE {
            return Err(ConfigError::Excluding {
                settings: ["an extension", "a second one"],
            });
        }
        if bits.meet(self.receive.claimed) {
            return Err(ConfigError::ReservedBit { bit });
        }
        let deflate = match self.send.coding.take().map(|coding| *coding) {
            Some(Coding::Deflate(deflate)) => Some(deflate),
            Some(Coding::Extended(_)) | None => None,
        };
        self.receive.claimed = self.receive.claimed.and(bits);
        self.receive.extended = bits;
        self.send.coding = Some(Box::new(Coding::Extended(Box::new(Extended {
            bits,
            transform,
            deflate,
        }))));
        Ok(self)
    }

    /// Whether a message may be sent in fragments: not where an extension takes whole messages alone.
    pub fn may_fragment(&self) -> bool {
        self.receive.extended == ReservedBits::NONE
    }
}

impl fmt::Debug for Extended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extended")
            .field("bits", &self.bits)
            .field("deflate", &self.deflate)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "deflate"))]
mod tests {
    use super::*;

    #[test]
    fn another_extension_costs_those_nothing_that_compress_alone() {
        assert_eq!(size_of::<Coding>(), size_of::<Sending>());
    }
}
