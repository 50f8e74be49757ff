//! What the servers under test have in common, so that each binary is the echo loop of its library's README and
//! little else.
//!
//! The contract of a server, which the runner relies on:
//!
//! - `NAME [--tls] [--deflate off|no-takeover|takeover] [--broadcast] [--connect PORT --connections N]`; [`Options`]
//!   reads that.
//! - It listens on a free port of 127.0.0.1 and prints the port, alone on a line; [`on_tokio::listen`], [`on_threads::listen`] or
//!   [`process::announce`] does.
//! - What it was not made for it refuses: [`Options::read`] prints `unsupported: WHY` instead and ends well.
//! - It runs until it is killed or its standard input closes, so that nothing is ever orphaned: [`process::prepare`].
//! - One thread does all the work, except in servers that have a thread for each connection by design.
//! - Messages of 16 MiB must pass, and of 64 MiB where `growth` measures; every socket has `TCP_NODELAY`; compression is at level 1, for every message.
//! - In the client role ([`Role::Client`]) it prints `0` for the port, opens so many connections to
//!   `ws://127.0.0.1:PORT/` and echoes all that comes.
//! - In a broadcast ([`Role::Broadcast`]) each text message that arrives on any connection goes to all of them, the
//!   sender's included.
//!
//! ```no_run
//! use servers::{Can, Options, Role, on_tokio};
//!
//! fn main() -> std::io::Result<()> {
//!     let options = Options::read(&[Can::Client]);
//!     on_tokio::run(async move {
//!         match options.role {
//!             Role::Client { port, connections } => on_tokio::connect_each(port, connections, echo).await,
//!             _ => on_tokio::accept_each(on_tokio::listen().await?, echo).await,
//!         }
//!     })
//! }
//!
//! async fn echo(stream: tokio::net::TcpStream) -> std::io::Result<()> {
//!     # drop(stream);
//!     Ok(())
//! }
//! ```

pub mod on_threads;
pub mod on_tokio;
pub mod open_tungstenite;
pub mod process;
pub mod raw;
pub mod tls;

mod options;

pub use options::{Can, Deflate, Options, Role};
