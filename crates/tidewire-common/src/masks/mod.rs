//! Where a client's masking keys come from.

#[cfg(not(feature = "dangerous-raw-frames"))]
mod disabled;
#[cfg(feature = "dangerous-raw-frames")]
mod enabled;
mod system;

#[cfg(not(feature = "dangerous-raw-frames"))]
pub(crate) use disabled::Masks;
#[cfg(feature = "dangerous-raw-frames")]
pub(crate) use enabled::{Masks, OwnMasks};
pub use system::SystemMasks;
