//! What the test kits of both adapters share: frames made by hand, and what a scripted peer makes of what it reads.

mod expected;
mod frame;
mod script;

pub use expected::{Came, Expected};
pub use frame::Frame;
pub use script::Script;
