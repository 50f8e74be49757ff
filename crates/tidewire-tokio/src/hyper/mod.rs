//! Connections of a server on hyper 1, beside everything else that it serves.
//!
//! [`Accept::upgrade`] judges a request as [`Accept::accept`] does a stream's, with the same settings, and gives the response
//! and the connection that begins once hyper has sent it. [`Upgrading::serve`] runs the handlers of
//! [`serve`](crate::serve()) with it:
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use http_body_util::Full;
//! use hyper::body::{Bytes, Incoming};
//! use hyper::service::service_fn;
//! use hyper::{Request, Response};
//! use hyper_util::rt::{TokioExecutor, TokioIo};
//! use hyper_util::server::conn::auto;
//! use tidewire_tokio::{Accept, Error, WebSocket};
//!
//! async fn echo(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = ws.recv().await? {
//!         ws.send(message).await?;
//!     }
//!     Ok(())
//! }
//!
//! async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     let (response, upgrading) = Accept::new().upgrade(&mut request).await;
//!     if let Ok(upgrading) = upgrading {
//!         tokio::spawn(upgrading.serve(echo));
//!     }
//!     Ok(response.map(Full::new))
//! }
//!
//! # async fn example() -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
//! loop {
//!     let (stream, _) = listener.accept().await?;
//!     tokio::spawn(async move {
//!         let mut server = auto::Builder::new(TokioExecutor::new());
//!         server.http2().enable_connect_protocol();
//!         let serving = server.serve_connection_with_upgrades(TokioIo::new(stream), service_fn(answer));
//!         if let Err(error) = serving.await {
//!             eprintln!("{error}");
//!         }
//!     });
//! }
//! # }
//! ```
//!
//! # HTTP/1.1 and HTTP/2
//!
//! Over HTTP/1.1 a connection is an upgrade of a `GET`, and hyper must be told to allow it: `with_upgrades`. Over HTTP/2 it is
//! a stream, begun by an extended `CONNECT` (RFC 8441), which a server announces with `enable_connect_protocol`. A router in
//! front must let both methods through. The handler sees no difference, and a page in a browser takes whichever is there; one
//! HTTP/2 connection carries as many connections as its limit on streams allows.
//!
//! # Whose limits
//!
//! hyper reads the head of a request and writes the answer, so the limits of [`Config`](crate::Config) on heads are not
//! used, its own are. All other settings hold as everywhere; the time for the handshake runs from the request to the moment at
//! which hyper has sent the answer. Of each stream over HTTP/2, hyper keeps what arrives while nobody receives up to the
//! stream's window, 1 MiB by default; `initial_stream_window_size` sets another.
//!
//! A connection over HTTP/1.1 whose stream is `TokioIo<TcpStream>` is TCP as it is; others have no
//! [`peer_addr`](crate::WebSocket::peer_addr), which the application knows from whom it accepted.
//!
//! # Shutting down
//!
//! These connections belong to no [`Server`](crate::Server): hyper's graceful shutdown does not know of those over HTTP/1.1,
//! and waits for those over HTTP/2. Whoever shuts down closes them: a handler awaits a `tokio::sync::watch` or a
//! `tokio_util::sync::CancellationToken` beside `recv` and closes with 1001, or the application keeps a
//! [`Sender`](crate::Sender) of each, of [`split`](crate::WebSocket::split).

pub(crate) mod messages;
mod portioned;
pub(crate) mod received;
mod upgrading;

use std::future::Future;

use bytes::Bytes;
use http::Request;
use tidewire_common::HandshakeError;

use crate::accept::Accept;
use received::Received;

pub use upgrading::Upgrading;

impl Accept {
    /// Answers a request that hyper received: gives the response to send, and the connection that begins when it was sent.
    ///
    /// A response with a body is a refusal, or what the application had to say; the connection may serve other requests
    /// after it. See [the module](crate::hyper) for a server.
    ///
    /// # Errors
    /// [`HandshakeError::Request`] where the request breaks a rule, [`HandshakeError::Declined`] where it is not wanted; the
    /// response says so to the client.
    ///
    /// # Cancel safety
    /// Nothing is left behind but the request, which has no upgrade any more.
    pub fn upgrade<'a, B>(
        &'a self,
        request: &mut Request<B>,
    ) -> impl Future<Output = (http::Response<Bytes>, Result<Upgrading, HandshakeError>)> + Send + use<'a, B>
    {
        let received = Received::of(request, self);
        async move {
            let answer = match received {
                Ok(received) => received.answer(self).await,
                Err(refusal) => Err(refusal),
            };
            match answer {
                Ok((response, upgrading)) => (response, Ok(upgrading)),
                Err(refusal) => {
                    let (response, error) = *refusal;
                    (response, Err(error))
                }
            }
        }
    }
}
