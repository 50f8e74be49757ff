//! permessage-deflate (RFC 7692): messages compressed one by one.

mod context;

#[cfg(not(feature = "deflate"))]
#[path = "disabled.rs"]
mod codecs;
#[cfg(feature = "deflate")]
#[path = "enabled/mod.rs"]
mod codecs;

pub use context::{Context, Contexts, Takeover, WindowBits};

#[cfg(feature = "deflate")]
pub use codecs::{Codecs, Compression, Deflater, Extension, Inflater, NoPool, Owner, Prepared, Shape};

#[cfg(not(feature = "deflate"))]
pub(crate) use codecs::Deflater;
pub(crate) use codecs::{Receiving, Sending};
