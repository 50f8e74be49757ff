//! WebSocket servers and clients on plain threads; the crate `tidewire` has all of this as `tidewire::blocking`.
//!
//! A server that echoes, one thread per connection:
//!
//! ```no_run
//! use std::net::TcpListener;
//! use tidewire_blocking::{Error, WebSocket, serve};
//!
//! fn echo(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = ws.recv()? {
//!         ws.send(message)?;
//!     }
//!     Ok(())
//! }
//!
//! fn main() -> std::io::Result<()> {
//!     serve(TcpListener::bind("127.0.0.1:9001")?, echo)?;
//!     Ok(())
//! }
//! ```
//!
//! A client of it:
//!
//! ```no_run
//! use tidewire_blocking::connect;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut ws = connect("ws://127.0.0.1:9001/").open()?;
//!     ws.send("hello")?;
//!     if let Some(message) = ws.recv()? {
//!         println!("{}", message.as_text().unwrap_or("bytes"));
//!     }
//!     ws.close(1000, "bye")?;
//!     Ok(())
//! }
//! ```
//!
//! Calls wait on the thread that makes them. To receive and to send at the same time, [split](WebSocket::split) the
//! connection into a half for each of two threads. Meanwhile, and when no thread of the application calls at all, one
//! thread of the process, the keeper, answers pings, sends its own, sees the peer's close, keeps every deadline and
//! writes what a call had to leave. It never runs code of the application.
//!
//! # Messages for many
//!
//! [`broadcast`] sends a message on many connections, and a [`Room`] to all who have joined it. Neither waits: the
//! message is encoded once, the thread that sends it writes what each socket takes at once, and the keeper writes the
//! rest. A chat, whose slow guests are disconnected:
//!
//! ```no_run
//! use std::net::TcpListener;
//! use tidewire_blocking::{Error, Room, WebSocket, serve};
//!
//! fn main() -> std::io::Result<()> {
//!     let room = Room::new();
//!     serve(TcpListener::bind("127.0.0.1:9001")?, move |ws| chat(ws, &room))?;
//!     Ok(())
//! }
//!
//! fn chat(mut ws: WebSocket, room: &Room) -> Result<(), Error> {
//!     let membership = room.join(&ws);
//!     while let Some(message) = ws.recv()? {
//!         room.send_except(&membership, message);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Proxies
//!
//! A client connects through the proxy that the environment names, if it names one for the URL: [`ProxyVariables`] has the
//! rules. [`Connect::proxy`] sets another, or none. With `wss` a proxy sees where the connection leads, and nothing of what
//! is said over it.
//!
//! ```no_run
//! use tidewire_blocking::{Proxy, ProxyChoice, connect};
//!
//! let proxy = Proxy::parse("socks5h://127.0.0.1:9050")?.credentials("ada", "s3cret")?;
//! let through = connect("wss://example.com/chat").proxy(proxy).open()?;
//! let straight = connect("wss://example.com/chat").proxy(ProxyChoice::Direct).open()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where it runs
//!
//! On Unix systems, like `tidewire-tokio`. It has none of the modules for hyper and axum that `tidewire-tokio` has: both are async.

mod accept;
mod addressees;
mod application;
mod applications;
mod client_tls;
mod clock;
mod connect;
mod control;
mod dial;
mod entrance;
mod exchange;
mod handle;
mod handler;
#[cfg(feature = "json")]
mod json;
mod keeper;
mod link;
pub mod listen;
mod listener;
mod listeners;
mod methods;
mod piece_writer;
mod pieces;
mod prefixed;
#[cfg(feature = "dangerous-raw-frames")]
pub mod raw;
mod receive_error;
mod reconnect;
mod router;
mod serve;
mod server_tls;
mod socket;
mod split;
mod std_sockets;
#[cfg(feature = "test-util")]
pub mod test;
#[cfg(feature = "tls")]
mod tls;
mod traced;
mod transport;
mod tunnel;
mod websocket;

pub use accept::{Accept, accept};
pub use application::{Application, ApplicationHandle};
pub use applications::Applications;
pub use connect::{Connect, connect};
pub use listener::Listener;
pub use piece_writer::PieceWriter;
pub use pieces::Pieces;
pub use receive_error::RecvTimeoutError;
pub use reconnect::Reconnect;
pub use router::Router;
pub use serve::{Server, ServerHandle, serve};
pub use socket::Socket;
pub use split::{Receiver, Sender};
#[cfg(feature = "tls")]
pub use tls::TlsSocket;
pub use transport::Transport;
pub use websocket::WebSocket;

pub use tidewire_common::public::*;
