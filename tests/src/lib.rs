//! What the tests of tidewire share: a reference decoder, frames made by hand, endpoints in memory, and the functions
//! that are fuzzed.

pub mod corpus;
pub mod deflate;
pub mod endpoint;
pub mod fuzz;
pub mod inflate;
#[cfg(feature = "live")]
pub mod live;
pub mod pair;
pub mod python;
pub mod reference;
pub mod soak;
pub mod toy;
pub mod ways;
pub mod wire;
