//! Frames as they stand on the wire (§5.2): header and mask.
//!
//! A [`Connection`](crate::Connection) reads and writes whole frames; these are its parts, for tools that look at
//! single ones.

pub(crate) mod header;
pub mod mask;

pub use header::{FrameHeader, Opcode, ReservedBits, Sender};
