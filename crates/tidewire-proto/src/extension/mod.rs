//! Extensions of the application's (RFC 6455 §9): whole messages that travel as something else.
//!
//! An extension has a name, by which client and server agree on it in the opening handshake, and a reserved bit of the
//! frame header. Where the bit is set, the payload is what the extension has made of the message: a checksum behind it, a
//! ciphertext, another compression. [`Extension`] is how it is agreed on, [`Transform`] what it does on one connection.
//!
//! The adapters take an [`Extension`] by `ServerPolicy::extension` and `Connect::extension`. In a loop of one's own,
//! [`ClientRequest::offer`](crate::handshake::ClientRequest::offer) offers it,
//! [`Upgrade::extension`](crate::handshake::Upgrade::extension) answers,
//! [`Accepted::extension`](crate::handshake::Accepted::extension) judges the answer, and
//! [`Connection::with_extension`](crate::Connection::with_extension) has it done.
//!
//! # Rules
//!
//! - One extension at a time, beside permessage-deflate. With that, the extension comes first: what it has made of a
//!   message is compressed, and the response lists the extension first (§9.1: "the order of operations on the data should be
//!   assumed to be the same as the order in which the extensions are listed in the server's response"). So an extension
//!   that encrypts compresses by itself, or goes without permessage-deflate.
//! - Whole messages alone. What arrives in fragments is decoded at its end, and handed over as one piece also to those who
//!   receive in pieces. Sending in fragments is refused with
//!   [`SendError::Fragmented`](crate::SendError::Fragmented), since what should be protected must not leave as it is.
//!   Control frames never carry a reserved bit, and are left alone.
//! - A message without the bit is handed over as it is, whatever the extension: the bit is the peer's to set. So an
//!   extension finds accidents and not attackers, whom TLS keeps out.
//! - The [limit of a message](crate::Limits::message) holds for what was decoded. What arrives may have a sixteenth and 1
//!   KiB more.
//!
//! # Example
//!
//! A checksum of four bytes behind each message:
//!
//! ```
//! use tidewire_proto::extension::{DecodeError, Encoded, Extension, Parameters, ReservedBit, Transform};
//! use tidewire_proto::{Config, Connection, Event, Inbox, Instant, Kind, Server};
//!
//! struct Checksum;
//!
//! impl Extension for Checksum {
//!     fn name(&self) -> &str {
//!         "x-checksum"
//!     }
//!
//!     fn bit(&self) -> ReservedBit {
//!         ReservedBit::Rsv2
//!     }
//!
//!     /// A server: takes what it knows, and answers without parameters.
//!     fn accept(&self, offered: &Parameters) -> Option<(Parameters, Box<dyn Transform>)> {
//!         let is_known = offered.iter().next().is_none();
//!         is_known.then(|| (Parameters::new(), Box::new(Checked) as _))
//!     }
//!
//!     /// A client: judges the answer to its offer.
//!     fn open(&self, answered: &Parameters) -> Result<Box<dyn Transform>, &'static str> {
//!         match answered.iter().next() {
//!             None => Ok(Box::new(Checked)),
//!             Some(_) => Err("a parameter that was not offered"),
//!         }
//!     }
//! }
//!
//! /// What is done on one connection; counters and keys would stand here.
//! struct Checked;
//!
//! impl Transform for Checked {
//!     fn encode(&mut self, _: Kind, payload: &[u8]) -> Encoded {
//!         Encoded::Payload([payload, &sum(payload)].concat())
//!     }
//!
//!     fn decode(&mut self, _: Kind, mut payload: Vec<u8>, _: usize) -> Result<Vec<u8>, DecodeError> {
//!         let len = payload.len().checked_sub(4).ok_or(DecodeError::new("no checksum"))?;
//!         let claimed = payload.split_off(len);
//!         if claimed != sum(&payload) {
//!             return Err(DecodeError::new("checksum differs"));
//!         }
//!         Ok(payload)
//!     }
//! }
//!
//! fn sum(payload: &[u8]) -> [u8; 4] {
//!     let sum = payload.iter().fold(0_u32, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte));
//!     sum.to_be_bytes()
//! }
//!
//! // A server that has agreed on it, and a client's frame: FIN, RSV2 and text; masked with zeroes.
//! let (_, transform) = Checksum.accept(&Parameters::new()).ok_or("not accepted")?;
//! let mut connection = Connection::new(Server, Config::new(), Instant::START)
//!     .with_extension(Checksum.bit(), transform)?;
//! let mut inbox = Inbox::from(b"\xa1\x86\0\0\0\0hi\0\0\x0d\x69".to_vec());
//! let mut out = Vec::new();
//!
//! let (mut rx, mut tx) = connection.turn(Instant::START, &mut inbox, &mut out);
//! let Some(Event::Message(message)) = rx.next(&mut tx)? else {
//!     return Err("no message".into());
//! };
//! assert_eq!(message.as_message(), "hi".into());
//! tx.message(message)?;
//! assert_eq!(out, b"\xa1\x06hi\0\0\x0d\x69");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod negotiation;
mod parameters;
mod transform;

pub use negotiation::{Extension, ReservedBit};
pub use parameters::Parameters;
pub use transform::{DecodeError, Encoded, Transform};
