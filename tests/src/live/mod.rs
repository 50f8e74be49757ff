//! What the tests of the adapters share: peers made by hand, awkward transports, and a bound on each test.

mod bounded;
mod counted;
mod ends;
mod peer;
mod trickle;

pub use bounded::{bounded, promptly};
pub use counted::{Counted, Counts};
pub use ends::{accepted, connected, echo, pair, tcp_pair, trickling};
pub use peer::{Peer, REQUEST, Received};
pub use trickle::{Script, Trickle};
