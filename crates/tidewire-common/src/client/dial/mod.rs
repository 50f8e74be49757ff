//! Where TCP leads: which address of a host is connected to, over a socket with which options.

mod destination;
mod error;
mod race;
mod socket_options;
mod sockets;

pub use destination::Destination;
pub use error::DialError;
pub use race::{Race, Step};
pub use socket_options::SocketOptions;
pub use sockets::{FULL_QUEUE, connect_unix, open_tcp};
