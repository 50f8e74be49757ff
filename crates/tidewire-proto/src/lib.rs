//! The WebSocket protocol (RFC 6455) as a pure state machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod frame;
pub mod handshake;

mod assembly;
mod close_code;
mod closing;
mod config;
mod connection;
mod error;
mod event;
mod inbox;
mod keepalive;
mod limits;
mod reader;
mod role;
mod text;
mod time;
mod timers;
mod writer;

pub use close_code::{CloseCode, CloseFrame, MAX_REASON, cut_reason};
pub use closing::{CloseNote, Closed, Fate, Phase, Side};
pub use config::{Config, Keepalive};
pub use connection::{Connection, Reading};
pub use error::{ConfigError, ProtocolError, SendError};
pub use event::{Answer, Chunk, Delivery, End, Event, Kind, Message, OwnedMessage, Pong, Received};
pub use inbox::Inbox;
pub use keepalive::{MAX_PINGS, PingId};
pub use limits::Limits;
pub use reader::Reader;
pub use role::{Client, MaskSource, Role, Server};
pub use time::Instant;
pub use writer::Writer;
