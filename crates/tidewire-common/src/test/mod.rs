//! What the test kits of both adapters share: frames made by hand, and what a scripted peer makes of what it reads.

mod expected;
mod script;

pub use crate::raw::{Frame, LengthForm};
pub use expected::{Came, Expected};
pub use script::Script;
