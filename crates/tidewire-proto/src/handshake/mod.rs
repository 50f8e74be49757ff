//! The opening handshake (RFC 6455 §4), for both sides; beside an HTTP library, over HTTP/2 (RFC 8441), too.
//!
//! Like the rest of the core it does no I/O: bytes go in as they arrive, the answer is appended to an output
//! buffer, and time is an argument. What a peer sends is judged byte by byte and refused at the first byte
//! that breaks a rule or a [limit](HeadLimits).
//!
//! A whole handshake, in memory:
//!
//! ```
//! use core::time::Duration;
//! use tidewire_proto::Instant;
//! use tidewire_proto::handshake::{
//!     Acceptance, ClientHandshake, ClientRequest, HeadLimits, ServerHandshake, Upgrade,
//! };
//!
//! let (now, timeout) = (Instant::START, Some(Duration::from_secs(10)));
//! let limits = HeadLimits::default();
//!
//! // The client asks. In earnest the nonce is random.
//! let request = ClientRequest::new("example.com", "/chat")?.subprotocol("chat")?;
//! let nonce = *b"the sample nonce";
//! let mut to_server = Vec::new();
//! let mut client = ClientHandshake::new(now, timeout, limits, request, nonce, &mut to_server);
//!
//! // The server judges the request and accepts, or sends `error.response()` and closes.
//! let mut server = ServerHandshake::new(now, timeout, limits);
//! let request = server.handle_input(&to_server)?.expect("the whole request was sent");
//! assert_eq!(request.path(), "/chat");
//! let upgrade = Upgrade::check(&request)?;
//! let mut acceptance = Acceptance::new();
//! if let Some(favourite) = upgrade.subprotocols().next() {
//!     acceptance = acceptance.subprotocol(favourite)?;
//! }
//! let mut to_client = Vec::new();
//! upgrade.accept(&acceptance, &mut to_client)?;
//!
//! // The client judges the response; frames follow.
//! let accepted = client.handle_input(&to_client)?.expect("the whole response was sent");
//! assert_eq!(accepted.subprotocol(), Some("chat"));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod accept_key;
mod acceptance;
mod accepted;
mod body;
mod client;
mod client_connect;
mod client_request;
mod error;
mod extended_connect;
mod fields;
#[doc(hidden)]
pub mod fuzz;
mod head;
mod head_limits;
mod known_names;
mod offer;
mod request;
mod request_error;
mod response;
mod response_error;
mod response_reader;
mod server;
mod syntax;
mod tunnel_request;
mod unshown;
mod upgrade;
mod wanted;

pub use accept_key::accept_key;
pub use acceptance::Acceptance;
pub use accepted::Accepted;
pub use client::ClientHandshake;
pub use client_connect::ClientConnect;
pub use client_request::ClientRequest;
pub(crate) use error::excerpt;
pub use error::{AcceptanceError, InvalidField, Malformed};
pub use fields::Fields;
pub use head_limits::HeadLimits;
pub use request::{HttpVersion, Request};
pub use request_error::RequestError;
pub use response::Response;
pub use response_error::ResponseError;
pub use response_reader::ResponseReader;
pub use server::ServerHandshake;
pub(crate) use syntax::{check_token, trim_text, unquote};
pub use tunnel_request::TunnelRequest;
pub use upgrade::Upgrade;
