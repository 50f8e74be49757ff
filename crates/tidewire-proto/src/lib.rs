//! The WebSocket protocol (RFC 6455) as a pure state machine.
//!
//! No socket, no clock, no randomness, no async: bytes and the time are told to it, bytes to send are appended to a
//! buffer, and what to do with the transport is read off it. So it runs under any runtime or none, and each of its
//! deadlines is tested without waiting. It needs `alloc`, and no `std`; the feature `std` lets the check of text choose
//! the fastest instructions at run time, and the feature `deflate` adds permessage-deflate ([`deflate`]), which needs it.
//!
//! # The loop
//!
//! After the [opening handshake](handshake), an embedder does this until the transport is to be dropped (here it writes
//! and waits by turns; a better one waits for both at once):
//!
//! ```
//! use tidewire_proto::{Config, Connection, Event, Fate, Inbox, Instant, SendError, Server};
//!
//! /// What this example needs of a transport and a clock.
//! trait World {
//!     fn now(&self) -> Instant;
//!     /// Appends what arrived, at the latest when the deadline passes; `false` at the end of the stream.
//!     fn read(&mut self, buffer: &mut Vec<u8>, deadline: Option<Instant>) -> bool;
//!     /// Gives how much of it left.
//!     fn write(&mut self, bytes: &[u8]) -> usize;
//!     fn end_sending(&mut self);
//! }
//!
//! /// `rest` is what arrived behind the handshake.
//! fn echo(world: &mut impl World, rest: Vec<u8>) -> Result<(), SendError> {
//!     let mut connection = Connection::new(Server, Config::new(), world.now());
//!     let (mut inbox, mut out) = (Inbox::from(rest), Vec::new());
//!     loop {
//!         // One turn: all input becomes events, and replies are appended to the output.
//!         let (mut rx, mut tx) = connection.turn(world.now(), &mut inbox, &mut out);
//!         loop {
//!             match rx.next(&mut tx) {
//!                 Ok(Some(Event::Message(message))) => tx.message(message)?,
//!                 Ok(Some(_)) => {}
//!                 Ok(None) => break,
//!                 Err(error) => {
//!                     println!("the peer broke a rule: {error}"); // the Close frame for it stands in `out`
//!                     break;
//!                 }
//!             }
//!         }
//!
//!         // Write, and tell how that went.
//!         let written = world.write(&out);
//!         out.drain(..written);
//!         connection.handle_written(world.now(), written, out.len(), &mut out);
//!
//!         // Treat the transport as the core asks; ending what has ended does nothing.
//!         match connection.fate() {
//!             Fate::HalfClose if out.is_empty() => world.end_sending(),
//!             Fate::Drop => return Ok(()),
//!             _ => {}
//!         }
//!
//!         // Wait for input or for the next deadline, unless an extension has left input for another turn.
//!         if inbox.is_empty() && !world.read(inbox.buffer(), connection.poll_timeout()) {
//!             connection.handle_end();
//!         }
//!         connection.handle_timeout(world.now(), &mut out);
//!     }
//! }
//! #
//! # /// A client that says hello, and then goodbye.
//! # struct Script { input: Vec<&'static [u8]>, output: Vec<u8>, sending_ended: bool }
//! # impl World for Script {
//! #     fn now(&self) -> Instant { Instant::START }
//! #     fn read(&mut self, buffer: &mut Vec<u8>, _: Option<Instant>) -> bool {
//! #         let next = self.input.pop();
//! #         buffer.extend_from_slice(next.unwrap_or_default());
//! #         next.is_some()
//! #     }
//! #     fn write(&mut self, bytes: &[u8]) -> usize { self.output.extend_from_slice(bytes); bytes.len() }
//! #     fn end_sending(&mut self) { self.sending_ended = true; }
//! # }
//! # let mut script = Script {
//! #     input: vec![b"\x88\x82\0\0\0\0\x03\xe8"],
//! #     output: Vec::new(),
//! #     sending_ended: false,
//! # };
//! # echo(&mut script, b"\x81\x85\0\0\0\0hello".to_vec())?;
//! # assert_eq!(script.output, b"\x81\x05hello\x88\x02\x03\xe8");
//! # assert!(script.sending_ended);
//! # Ok::<(), SendError>(())
//! ```
//!
//! # What each call means
//!
//! - [`Connection::turn`] binds the time, the input and the output, and lends a [`Reader`] and a [`Writer`] over
//!   disjoint state. An event borrows from the reader and never from the writer, so replying inside the loop compiles.
//! - [`Reader::next`] consumes all input, whatever the split: what is left of a header or a payload is kept inside, so
//!   one [`Inbox`] serves any number of connections. Extensions alone may leave some for another turn, since little input
//!   can be much work. A message that lies whole in the input is lent from there without a copy. Whatever the protocol
//!   owes, a Pong or the answer to a Close, it has already appended. Its error is the one rule that the peer broke, the
//!   same from then on.
//! - [`Writer`] appends: messages whole or in fragments, pings, pongs, the one Close frame. What may not be sent is a
//!   [`SendError`], and nothing was appended.
//! - [`Connection::poll_timeout`] is when to come back, [`Connection::handle_timeout`] does what is due: keepalive,
//!   closing, a peer that does not read. Early, late or in vain, it does no harm.
//! - [`Connection::handle_written`] tells how writing went. Without it no ping has ever left, and no peer is ever slow.
//! - [`Connection::handle_end`] tells that the transport ended, [`Connection::handle_reading`] that the embedder has
//!   stopped to read for a while, so that no answer can be expected.
//! - [`Connection::fate`] is what to do with the transport once the output is written: go on, end the sending side and
//!   discard, await the peer, or drop it. [`Connection::closed`] tells how it all ended.
//!
//! # Where to go from here
//!
//! [`handshake`] shows a whole opening handshake; [`Config`] and [`Limits`] what is bounded; [`Delivery::Chunks`] how
//! to take a large message in the parts that arrive. [`Client`] takes its masking keys from the embedder, who is to
//! ask a cryptographic generator. [`frame`] is the format below all this. The examples `core-over-tcp` and
//! `core-in-memory` of the repository are programs on this crate alone.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "deflate")]
extern crate std;

pub mod deflate;
pub mod extension;
pub mod frame;
pub mod handshake;

mod assembly;
mod at_hand;
mod close_code;
mod closing;
mod coding;
mod config;
mod connection;
mod decoding;
mod direct;
mod encoding;
mod error;
mod event;
mod header_start;
mod inbox;
mod keepalive;
mod limits;
mod place;
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
pub use reader::{Reader, TakeStore};
pub use role::{Client, MaskSource, Role, Server};
pub use time::Instant;
pub use writer::{Appended, Writer};
