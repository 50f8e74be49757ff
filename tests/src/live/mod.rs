//! What the tests of the adapters share: peers made by hand or of other implementations, awkward
//! transports, and a bound on each test.

mod answered;
mod authority;
mod blocking_pairs;
mod bounded;
mod certificate;
mod client;
mod compressed;
mod counted;
mod drive;
mod ends;
mod front;
mod large;
mod peer;
mod place;
mod portioned;
mod program;
mod proxy;
mod running;
mod script;
mod scripted;
mod slow;
mod trickle;

pub use answered::{Answered, exchange, upgrade};
pub use authority::{Authority, Validity};
pub use blocking_pairs::blocking_pairs;
pub use bounded::{bounded, bounded_now, no_task_is_left, promptly};
pub use certificate::Certificate;
pub use client::{ADAPTERS, Adapter, Client};
pub use compressed::Implementation;
pub use counted::{Counted, Counts};
pub use drive::drive;
pub use ends::{
    LARGE, ROOMY, accepted, connected, echo, echo_on_threads, endpoint, large, pair, quiet, small_queue,
    tcp_pair, trickling,
};
pub use front::Front;
pub use large::{LARGE_LENS, large_messages, watched};
pub use peer::{Peer, REQUEST, Received, request};
pub use place::Place;
pub use portioned::{Portioned, Slices};
pub use program::Program;
pub use proxy::{PROXIES, Proxy};
pub use running::Running;
pub use script::{Servers, node, python, python_with, script, succeed};
pub use scripted::{Scripted, consent};
pub use slow::{CAPACITY, SLOW, Slow, counts, numbered, room_for_two};
pub use trickle::{Script, Trickle};
