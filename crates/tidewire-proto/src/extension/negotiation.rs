use alloc::boxed::Box;
use core::fmt;

use super::parameters::Parameters;
use super::transform::Transform;
use crate::frame::ReservedBits;

/// An extension as a server and a client agree on it; one value serves any number of connections.
pub trait Extension: Send + Sync {
    /// The name in `Sec-WebSocket-Extensions`, a token (§9.1).
    fn name(&self) -> &str;

    /// The reserved bit that tells a message which the extension has encoded.
    fn bit(&self) -> ReservedBit;

    /// What a client offers; nothing but the name by default.
    fn offer(&self) -> Parameters {
        Parameters::new()
    }

    /// Judges one of a client's offers; gives the answer, and what is then done on the connection.
    ///
    /// `None` declines the offer. The client's next offer of this name is asked about, if there is one; otherwise the
    /// connection goes without the extension.
    fn accept(&self, offered: &Parameters) -> Option<(Parameters, Box<dyn Transform>)>;

    /// Judges a server's answer; gives what is then done on the connection.
    ///
    /// # Errors
    /// What is wrong with it, without a full stop, for example `"bits that were not offered"`: there is no connection.
    fn open(&self, answered: &Parameters) -> Result<Box<dyn Transform>, &'static str>;
}

/// One of the three bits of a frame header that are for extensions (§5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReservedBit {
    /// The first, which permessage-deflate has where it was agreed on.
    Rsv1,
    /// The second.
    Rsv2,
    /// The third.
    Rsv3,
}

impl ReservedBit {
    pub(crate) const fn bits(self) -> ReservedBits {
        match self {
            Self::Rsv1 => ReservedBits::RSV1,
            Self::Rsv2 => ReservedBits::RSV2,
            Self::Rsv3 => ReservedBits::RSV3,
        }
    }
}

impl fmt::Display for ReservedBit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsv1 => "RSV1",
            Self::Rsv2 => "RSV2",
            Self::Rsv3 => "RSV3",
        })
    }
}
