//! WebSocket (RFC 6455) for Rust: servers and clients on tokio or on plain threads, and the core without I/O.
//!
//! | module | feature | for |
//! |---|---|---|
//! | `tokio` | `tokio`, on by default | servers and clients on tokio |
//! | `tokio::http2` | `http2` | clients over HTTP/2, many on one connection |
//! | `tokio::hyper` | `hyper` | connections of a server on hyper 1, over HTTP/1.1 and HTTP/2 |
//! | `tokio::axum` | `axum` | the same as an extractor for axum 0.8 |
//! | `blocking` | `blocking` | the same names on plain threads |
//! | | `tls` | TLS by rustls in both: `ServerTls`, and `wss://` with the trust of the system or a `ClientTls` |
//! | | `webpki-roots` | `ClientTls::webpki_roots`: Mozilla's roots, for systems without any |
//! | | `json` | values of types that serde knows, sent and received as JSON |
//! | `tokio::test`, `blocking::test` | `test-util` | pairs in memory, a scripted peer and virtual time, for tests |
//! | `tokio::raw`, `blocking::raw` | `dangerous-raw-frames` | frames that break rules, for testing tools |
//! | [`proto`] | always | the protocol without socket, clock or randomness, for a loop of your own |
//!
//! Both adapters are for Unix systems; the core is for any.
//!
//! An echo server on tokio:
//!
//! ```no_run
//! # #[cfg(feature = "tokio")]
//! # mod example {
//! use tidewire::tokio::{Error, WebSocket, serve};
//!
//! async fn run() -> std::io::Result<()> {
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
//!     serve(listener, echo).await?;
//!     Ok(())
//! }
//!
//! async fn echo(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = ws.recv().await? {
//!         ws.send(message).await?;
//!     }
//!     Ok(())
//! }
//! # }
//! ```
//!
//! On threads it is the same without `async` and `await`. What the two adapters share, messages, errors,
//! configuration, are the same types in both, so code that handles a `Message` or an `Error` serves either.
//!
//! # Where to go from here
//!
//! - Serving: `serve` with its `Server`, which takes listeners of any kind, a `Config` (limits, deadlines, queues), a
//!   `ServerPolicy` (origins, users, subprotocols, requests that are no upgrade), `Caps` and, with the feature `tls`, a
//!   `ServerTls`, and whose `ServerHandle` looks at it and shuts it down.
//! - Paths: `Router`, which leads each to a handler with its parameters as types.
//! - Serving beside HTTP: `Upgrade`, axum's extractor, and `Accept::upgrade` for hyper.
//! - Connecting: `connect`, which takes subprotocols, header fields and a `Config`, and leads over TCP, TLS, proxies, Unix
//!   sockets or any stream of yours.
//! - Connecting again: `Connect::reconnect` gives one connection after the other, or runs a handler with each.
//! - Being called back: `Connect::application`, for those who know `WebSocketApp`; `Connect::trace` tells of each frame.
//! - Connecting over HTTP/2: `http2` of `Connect`, and the module `tokio::http2` for many on one connection.
//! - Talking: `WebSocket` receives and sends messages, whole or in pieces, pings, closes, and splits into halves.
//! - JSON: `send_json` and `recv_json` with the feature `json`, for any type that serde knows.
//! - Telling many: `broadcast`, and `Room`, whose slow members are dealt with as you say.
//! - Compressing: `deflate` of `Server`, `Accept` and `Connect`; [`compression`] says what it costs.
//! - Testing: the module `test` of either adapter, with the feature `test-util`: pairs in memory, a scripted peer, time that
//!   is not waited for.
//! - Testing others: `dangerous_raw` of `WebSocket` and `Sender`, with the feature `dangerous-raw-frames`, sends any frame.
//! - Extending: `extension` of `ServerPolicy` and `Connect`, for messages that travel as something else;
//!   [`proto::extension`] has an example.
//! - Choosing: [`speed`] says what a connection costs, beside other libraries.
//! - Deploying: [`deploy`] leads behind proxies, under supervisors and into containers.
//! - Migrating: [`migrating`] has the code of `tungstenite`, of Python's `websockets` and of `websocket-client` beside ours.
//! - Embedding: [`proto`] shows the loop.
//! - Seeing it at work: `examples` of the repository has small programs, greetings first; the README lists them.
#![forbid(unsafe_code)]

pub use tidewire_proto as proto;

#[cfg(feature = "tokio")]
pub use tidewire_tokio as tokio;

#[cfg(feature = "blocking")]
pub use tidewire_blocking as blocking;

#[doc = include_str!("../docs/compression.md")]
pub mod compression {}

#[doc = include_str!("../docs/deploy.md")]
pub mod deploy {}

pub mod migrating {
    //! Coming from another library: its code beside ours, and what behaves differently.
    //!
    //! | from | page |
    //! |---|---|
    //! | `tungstenite`, `tokio-tungstenite` | `from_tungstenite` |
    //! | Python's `websockets` | `from_websockets` |
    //! | Python's `websocket-client` | `from_websocket_client` |

    #[cfg(all(feature = "tokio", feature = "blocking"))]
    #[doc = include_str!("../docs/migrating-from-tungstenite.md")]
    pub mod from_tungstenite {}

    #[cfg(feature = "blocking")]
    #[doc = include_str!("../docs/migrating-from-websocket-client.md")]
    pub mod from_websocket_client {}

    #[cfg(feature = "tokio")]
    #[doc = include_str!("../docs/migrating-from-websockets.md")]
    pub mod from_websockets {}
}

#[doc = include_str!("../docs/speed.md")]
pub mod speed {}

/// The README, whose code is compiled as tests.
#[cfg(all(doctest, feature = "tokio", feature = "blocking"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
