use core::fmt;

use crate::frame::Sender;

/// Which side of the connection this endpoint is: [`Server`] or [`Client`].
///
/// The role is a type, so the code that masks what a client sends does not exist in a server, and the reverse.
pub trait Role: sealed::Sealed {
    /// Whether this side masks what it sends, and refuses masked frames (§5.1).
    #[doc(hidden)]
    const MASKS: bool;

    /// Who sent the frames that this side receives.
    #[doc(hidden)]
    const PEER: Sender = if Self::MASKS {
        Sender::Server
    } else {
        Sender::Client
    };

    /// The masking key of the next frame; never called on a server.
    #[doc(hidden)]
    fn next_key(&mut self) -> [u8; 4];
}

/// The side that answered the opening handshake.
#[derive(Clone, Copy, Debug, Default)]
pub struct Server;

impl Role for Server {
    const MASKS: bool = false;

    fn next_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
}

/// The side that sent the opening handshake; masks every frame with a key from its source.
#[derive(Clone, Copy)]
pub struct Client<M>(M);

impl<M: MaskSource> Client<M> {
    /// A client that takes its masking keys from `source`.
    pub const fn new(source: M) -> Self {
        Self(source)
    }
}

impl<M: MaskSource> Role for Client<M> {
    const MASKS: bool = true;

    fn next_key(&mut self) -> [u8; 4] {
        self.0.next_key()
    }
}

impl<M> fmt::Debug for Client<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// Where masking keys come from.
///
/// §5.3: "the masking key MUST be derived from a strong source of entropy", fresh for every frame. Any
/// `FnMut() -> [u8; 4]` is a source.
pub trait MaskSource {
    /// The key of one frame.
    fn next_key(&mut self) -> [u8; 4];
}

impl<F: FnMut() -> [u8; 4]> MaskSource for F {
    fn next_key(&mut self) -> [u8; 4] {
        self()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Server {}
    impl<M: super::MaskSource> Sealed for super::Client<M> {}
}
