//! The codecs, and what a connection remembers between two messages.

mod codec;
mod deflater;
mod density;
mod extension;
mod history;
mod inflater;
mod prepared;
mod receiving;
mod sending;
mod short;

pub use codec::{Codecs, NoPool, Owner, Shape};
pub use deflater::Deflater;
pub use extension::{Choice, Compression, Extension};
pub use inflater::Inflater;
pub use prepared::Prepared;

pub(crate) use receiving::Receiving;
pub(crate) use sending::Sending;
