//! permessage-deflate (RFC 7692): messages compressed one by one.
//!
//! What may be compressed how is agreed on in the opening handshake: the client offers, the server answers, the
//! client judges the answer. Each side states its limits as [`Contexts`], and both end with the same ones.
//!
//! ```
//! use tidewire_proto::deflate::{Context, Contexts, ParameterError, Parameters, Takeover, WindowBits};
//!
//! // The client has room for 4 KiB of what the server sends.
//! let small = Context { window_bits: WindowBits::new(12).unwrap_or(WindowBits::MAX), ..Context::UNLIMITED };
//! let client = Contexts { server: small, client: Context::UNLIMITED };
//! let offer = client.offer();
//! assert_eq!(
//!     offer.to_string(),
//!     "permessage-deflate; server_max_window_bits=12; client_max_window_bits"
//! );
//!
//! // The server remembers nothing between two messages.
//! let forgetful = Context { takeover: Takeover::Forbidden, ..Context::UNLIMITED };
//! let server = Contexts { server: forgetful, client: forgetful };
//! let (answer, agreed) = server.answer(Parameters::parse(&offer.to_string())?);
//! assert_eq!(
//!     answer.to_string(),
//!     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
//! );
//!
//! assert_eq!(offer.judge(Parameters::parse(&answer.to_string())?)?, agreed);
//! # Ok::<(), ParameterError>(())
//! ```
//!
//! In a handshake, [`ClientRequest::deflate`](crate::handshake::ClientRequest::deflate) offers,
//! [`Upgrade::deflate`](crate::handshake::Upgrade::deflate) answers, and
//! [`Accepted::deflate`](crate::handshake::Accepted::deflate) tells the client what came of it.
//!
//! With the feature `deflate`, `Connection::with_deflate` takes what was agreed on as an `Extension`. Little input
//! may become much: a turn that has inflated 256 KiB, or worked as long, ends with input left in its inbox, and another one
//! is due before anything is waited for.

mod context;
mod negotiation;
mod parameter_error;
mod parameters;

#[cfg(not(feature = "deflate"))]
#[path = "disabled.rs"]
mod codecs;
#[cfg(feature = "deflate")]
#[path = "enabled/mod.rs"]
mod codecs;

pub use context::{Context, Contexts, Takeover, WindowBits};
pub use parameter_error::ParameterError;
pub(crate) use parameters::NAME;
pub use parameters::{ClientMaxWindowBits, Parameters};

#[cfg(feature = "deflate")]
pub use codecs::{
    Choice, Codecs, Compression, Deflater, Extension, Inflater, NoPool, Owner, Prepared, Shape,
};

#[cfg(not(feature = "deflate"))]
pub(crate) use codecs::Deflater;
pub(crate) use codecs::{Receiving, Sending};
