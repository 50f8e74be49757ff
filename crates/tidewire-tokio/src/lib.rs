//! WebSocket servers and clients on tokio; the crate `tidewire` has all of this as `tidewire::tokio`.
//!
//! A server that echoes, with a task for each connection:
//!
//! ```no_run
//! use tidewire_tokio::{Error, WebSocket, serve};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     serve(TcpListener::bind("127.0.0.1:9001").await?, echo).await?;
//!     Ok(())
//! }
//!
//! async fn echo(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = ws.recv().await? {
//!         ws.send(message).await?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A client of it:
//!
//! ```no_run
//! use tidewire_tokio::connect;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut ws = connect("ws://127.0.0.1:9001").await?;
//!     ws.send("hello").await?;
//!     if let Some(message) = ws.recv().await? {
//!         println!("{}", message.as_text().unwrap_or("bytes"));
//!     }
//!     ws.close(1000, "bye").await?;
//!     Ok(())
//! }
//! ```
//!
//! [`accept`] and [`Connect::over`] do the same over any stream that is [`AsyncRead`](tokio::io::AsyncRead) and
//! [`AsyncWrite`](tokio::io::AsyncWrite): a Unix socket, TLS, a pipe in memory.
//!
//! In a server that speaks HTTP as well, the module `hyper` (feature `hyper`) opens connections from the requests of hyper
//! 1, and `axum` (feature `axum`) is an extractor.
//!
//! # The driver
//!
//! A connection makes progress whenever any of its futures is polled: `recv`, `send`, `flush`, `ping` and `close` all
//! read, answer pings, keep the deadlines and write. A *driver* does so as well when the application awaits something
//! else, so that a ping is answered and a dead peer noticed while it is busy with a database. There is one
//!
//! - in [`serve`], and in [`WebSocket::run`] for a client: handler and driver share one task, as they do where a request of
//!   hyper or axum begins a connection;
//! - after [`WebSocket::split`]: in a task of its own, if there was none before.
//!
//! A connection straight from [`connect`] or [`accept`] has none. It answers pings and keeps its deadlines, keepalive
//! among them, only while one of its futures is polled; await `recv` in a loop, or use `run` or `split`.
//!
//! # Which calls write
//!
//! | call | with a driver | without |
//! |---|---|---|
//! | [`send`](WebSocket::send) | queues; leaves when the application next waits for anything | writes before it returns |
//! | [`feed`](WebSocket::feed), [`try_send`](WebSocket::try_send) | as `send` | queue; `try_send` also writes what leaves at once |
//! | [`flush`](WebSocket::flush) | writes all that was queued | the same |
//! | `SinkExt::send` of the `Sink` | writes each message before it returns | the same |
//! | `SinkExt::feed` of the `Sink` | as `send` | queues |
//!
//! So in a driven handler the answers to everything that one read brought leave in one write (*corking*), and there is
//! no flush to forget; only before long work without an await is one needed. The `Sink` cannot have that, since its
//! `send` is defined to flush: a loop over `SinkExt::send` costs a system call for each message.
//!
//! Whoever sends faster than the peer reads waits: above the high-water mark of
//! [the queue](ConfigBuilder::write_queue) `send` and `feed` are pending, and `try_send` gives the message back. That
//! never keeps the connection from reading; what arrives meanwhile is [read ahead](ConfigBuilder::read_ahead) up to a
//! bound.
//!
//! # Messages for many
//!
//! [`broadcast`] sends a message on many connections, and a [`Room`] to all who have joined it. Neither waits, nor is
//! a future: the message is encoded once and queued, and the drivers write it. A chat, whose slow guests are
//! disconnected:
//!
//! ```no_run
//! use tidewire_tokio::{Error, Room, WebSocket, serve};
//! use tokio::net::TcpListener;
//!
//! async fn run() -> std::io::Result<()> {
//!     let room = Room::new();
//!     serve(TcpListener::bind("127.0.0.1:9001").await?, move |ws| chat(ws, room.clone())).await?;
//!     Ok(())
//! }
//!
//! async fn chat(mut ws: WebSocket, room: Room) -> Result<(), Error> {
//!     let membership = room.join(&ws);
//!     while let Some(message) = ws.recv().await? {
//!         room.send_except(&membership, message);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! To queue a message takes about a microsecond for each connection, 10 ms for 10,000 of them, in which the task does
//! not await.
//!
//! # Proxies
//!
//! A client connects through the proxy that the environment names, if it names one for the URL: [`ProxyVariables`] has the
//! rules. [`Connect::proxy`] sets another, or none. With `wss` a proxy sees where the connection leads, and nothing of what
//! is said over it.
//!
//! ```no_run
//! use tidewire_tokio::{Proxy, ProxyChoice, connect};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let proxy = Proxy::parse("socks5h://127.0.0.1:9050")?.credentials("ada", "s3cret")?;
//! let through = connect("wss://example.com/chat").proxy(proxy).await?;
//! let straight = connect("wss://example.com/chat").proxy(ProxyChoice::Direct).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Cancel safety
//!
//! No future holds progress of its own, so each may be dropped at any await, as `select!` and timeouts do:
//!
//! - `recv` loses no byte: the next call goes on.
//! - `send` and `feed` are all or nothing: the message was queued whole and will be written by any later progress, or
//!   it was never taken.
//! - `flush`, `close` and `ping` may be called again; one Close frame is ever sent.
//! - [`connect`], [`accept`]: no socket and no task is left behind.
//! - [`Pieces`] and [`PieceWriter`], messages in pieces, say themselves what dropping them does.
#![forbid(unsafe_code)]

#[macro_use]
mod methods;

mod accept;
mod addressees;
mod application;
mod asking;
mod at_hand;
#[cfg(feature = "axum")]
pub mod axum;
mod calls;
mod client_tls;
mod clock;
mod connect;
mod control;
mod dial;
mod driver;
mod entrance;
mod guest;
#[cfg(any(feature = "http2", feature = "hyper"))]
mod heads;
#[cfg(feature = "http2")]
pub mod http2;
#[cfg(feature = "hyper")]
pub mod hyper;
#[cfg(feature = "json")]
mod json;
mod keeper;
pub mod listen;
mod listener;
mod listeners;
mod pieces;
mod pool;
mod prefixed;
#[cfg(feature = "dangerous-raw-frames")]
pub mod raw;
mod reconnect;
mod router;
mod serve;
mod server_tls;
mod shared;
mod socket;
mod split;
mod stages;
mod state;
mod stream;
#[cfg(feature = "test-util")]
pub mod test;
mod traced;
mod tunnel;
mod version;
mod wakers;
mod websocket;

pub use accept::{Accept, accept};
pub use application::{Application, ApplicationHandle};
pub use connect::{Connect, connect};
pub use listener::Listener;
pub use pieces::{PieceWriter, Pieces};
pub use reconnect::Reconnect;
pub use router::Router;
pub use serve::{Server, ServerHandle, serve};
pub use socket::Socket;
pub use split::{Receiver, Sender};
pub use state::Transport;
pub use websocket::WebSocket;

pub use tidewire_common::public::*;
