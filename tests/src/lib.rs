//! What the tests of tidewire share: a reference decoder, frames made by hand, endpoints in memory, and the functions
//! that are fuzzed.

pub mod endpoint;
pub mod fuzz;
#[cfg(feature = "live")]
pub mod live;
pub mod pair;
pub mod reference;
pub mod wire;
