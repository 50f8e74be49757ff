//! Clients over HTTP/2 (RFC 8441), behind the feature `http2`: any number of [`WebSocket`]s on one connection, each a
//! stream of its own that an extended `CONNECT` begins.
//!
//! ```no_run
//! use tidewire_tokio::connect;
//! use tidewire_tokio::http2::Http2;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let http2 = Http2::connect(&connect("ws://localhost:9001/")).await?;
//! let chat = http2.open(&connect("ws://localhost:9001/chat").subprotocol("chat")).await?;
//! let mut news = http2.open(&connect("ws://localhost:9001/news")).await?;
//! chat.send("hello").await?;
//! println!("{:?}", news.recv().await?);
//! # Ok(())
//! # }
//! ```
//!
//! Whoever wants one WebSocket alone, on a connection of its own, says so to [`Connect`]: [`Connect::http2`].
//!
//! # What is asked of a server
//!
//! It must have said that it takes such requests, by `SETTINGS_ENABLE_CONNECT_PROTOCOL`; where it has not, nothing is asked,
//! and the error is [`Http2Error::NotEnabled`](crate::Http2Error). Any status from 200 to 299 is consent. There is neither a
//! key nor an answer to it; subprotocols and extensions are offered and judged as over HTTP/1.1, frames are masked, and a
//! refusal carries its status, fields and up to 64 KiB of its body.
//!
//! # Whose windows
//!
//! Over a connection that is opened here, the server may send 256 KiB on each stream that nobody has received, whatever waits
//! on the others: one that is not received does not hold them up. Over one of the application's own,
//! [`Http2::from`](Http2#impl-From<SendRequest<Bytes>>-for-Http2), its settings hold.
//!
//! [`flush`](crate::WebSocket::flush) hands bytes to the task of the connection, which writes them in turn; a stream for which
//! the server has no room is waited for as a socket would be.
//!
//! The blocking adapter has nothing of this: what speaks HTTP/2 on a connection that several threads share would be a
//! thread of its own with a runtime in it.

mod driver;
mod error;
mod opening;
mod stream;

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};

use bytes::Bytes;
use h2::client::SendRequest;
use tidewire_common::{Config, HandshakeError, Journey};
use tokio::sync::mpsc;
use tokio::time::Sleep;

use crate::clock::Clock;
use crate::connect::Connect;
use crate::stages::within;
use crate::state::Transport;
use crate::version::Version;
use crate::websocket::WebSocket;

/// A connection of HTTP/2 that any number of [`WebSocket`]s is opened on. Cheap to clone; it ends with the last clone and the
/// last of these.
///
/// ```no_run
/// # async fn example(stream: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// use tidewire_tokio::http2::Http2;
/// use tidewire_tokio::{Connect, HandshakeError};
///
/// let connect = Connect::new("ws://localhost:9001/");
/// let http2 = Http2::over(&connect, stream).await?;
/// match http2.open(&connect).await {
///     Ok(ws) => ws.send("hello").await?,
///     Err(HandshakeError::Http2(error)) => println!("not over HTTP/2: {error}"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Http2 {
    requests: SendRequest<Bytes>,
    /// Where the connection is run by a task of ours, which ends with the last of these.
    user: Option<mpsc::Sender<Infallible>>,
}

impl Http2 {
    /// Connects to the origin of the URL, over TLS for `wss`, with all that was set; and waits until the server has said
    /// what it takes. Nothing is asked for yet.
    ///
    /// # Errors
    /// As for [`connect`](crate::connect), and [`HandshakeError::Http2`]. Where the server refuses our certificate behind the
    /// handshake of TLS 1.3, the reason is [`TlsReason::Other`](crate::TlsReason), and the error's text says it.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no socket and no task behind.
    pub async fn connect(connect: &Connect) -> Result<Self, HandshakeError> {
        let journey = Journey::new(&connect.settings)?;
        let clock = Clock::start();
        let mut expiry = pin!(connect.expiry(clock));
        let socket = connect.reach(&journey, Version::Http2, expiry.as_mut()).await?;
        let begun = Self::begin(connect, socket, expiry).await;
        begun.map_err(|error| error.with_server(journey.target().host()))
    }

    /// Begins HTTP/2 over a byte stream that leads to a server that speaks it: TLS that agreed on `h2` by ALPN, or anything
    /// else where that is known before (RFC 9113 §3.3). Waits until the server has said what it takes.
    ///
    /// # Errors
    /// [`HandshakeError::Http2`], [`HandshakeError::Io`] and [`HandshakeError::UnexpectedEnd`] where the server speaks no
    /// HTTP/2, [`HandshakeError::Timeout`] after the open timeout.
    ///
    /// # Cancel safety
    /// As for [`connect`](Self::connect).
    pub async fn over(
        connect: &Connect,
        stream: impl Transport + Send + 'static,
    ) -> Result<Self, HandshakeError> {
        let clock = Clock::start();
        Self::begin(connect, stream, pin!(connect.expiry(clock))).await
    }

    pub(crate) async fn begin(
        connect: &Connect,
        stream: impl Transport + Send + 'static,
        expiry: Pin<&mut Option<Sleep>>,
    ) -> Result<Self, HandshakeError> {
        let (requests, user) = within(expiry, pin!(driver::begin(&connect.config, stream))).await?;
        Ok(Self {
            requests,
            user: Some(user),
        })
    }

    /// Opens a WebSocket on this connection, as is set for the URL: its host is the `:authority`, whether this connection
    /// leads there or not. Redirects are not followed.
    ///
    /// Where as many streams are open as the server allows, it waits for one to end.
    ///
    /// # Errors
    /// As for [`connect`](crate::connect), and [`HandshakeError::Http2`].
    ///
    /// # Cancel safety
    /// As for [`connect`](crate::connect); the connection stays for others.
    pub async fn open(&self, connect: &Connect) -> Result<WebSocket, HandshakeError> {
        let journey = Journey::new(&connect.settings)?;
        let clock = Clock::start();
        let expiry = pin!(connect.expiry(clock));
        self.open_for(&journey, &connect.config, clock, expiry).await
    }

    /// Opens one in what is left of the time.
    pub(crate) async fn open_for(
        &self,
        journey: &Journey<'_>,
        config: &Config,
        clock: Clock,
        expiry: Pin<&mut Option<Sleep>>,
    ) -> Result<WebSocket, HandshakeError> {
        opening::open(self, journey, config, clock, expiry).await
    }
}

/// A connection that the application runs: whose server's settings have been received, since what they have not said by the
/// time of an [`open`](Http2::open) is taken for not said.
impl From<SendRequest<Bytes>> for Http2 {
    fn from(requests: SendRequest<Bytes>) -> Self {
        Self { requests, user: None }
    }
}

impl fmt::Debug for Http2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2").finish_non_exhaustive()
    }
}
