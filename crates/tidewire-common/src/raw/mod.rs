//! Frames made by hand: what a scripted peer sends, and what a testing tool does.

mod frame;

#[cfg(feature = "test-util")]
pub(crate) use frame::Shown;
pub use frame::{Frame, LengthForm};
