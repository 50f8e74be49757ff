//! What the tests of the adapters share: peers made by hand, awkward transports, and a bound on each test.

mod bounded;
mod counted;
mod ends;
mod peer;
mod trickle;

pub use bounded::{bounded, no_task_is_left, promptly};
pub use counted::{Counted, Counts};
pub use ends::{ROOMY, accepted, connected, echo, endpoint, pair, quiet, tcp_pair, trickling};
pub use peer::{Peer, REQUEST, Received};
pub use trickle::{Script, Trickle};
