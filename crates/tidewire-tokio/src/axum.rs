//! Connections of a server on axum 0.8, beside its other routes.
//!
//! [`Upgrade`] is an extractor. It refuses requests that are no upgrade as an axum handler refuses others;
//! [`on_upgrade`](Upgrade::on_upgrade) judges the rest as [`Accept::accept`] does, and runs the handlers of
//! [`serve`](crate::serve()):
//!
//! ```no_run
//! use axum::Router;
//! use axum::extract::State;
//! use axum::response::Response;
//! use axum::routing::any;
//! use tidewire_tokio::axum::Upgrade;
//! use tidewire_tokio::{Accept, Deflate, Error, ServerPolicy, WebSocket};
//!
//! async fn chat(State(accept): State<Accept>, upgrade: Upgrade) -> Response {
//!     upgrade.accept(accept).on_upgrade(echo).await
//! }
//!
//! async fn echo(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = ws.recv().await? {
//!         ws.send(message).await?;
//!     }
//!     Ok(())
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = ServerPolicy::default().subprotocols(["chat.v2", "chat.v1"])?;
//! let accept = Accept::new().policy(policy).deflate(Deflate::default());
//! let app = Router::new().route("/chat", any(chat)).with_state(accept);
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:9001").await?, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The route takes `any` method, since a connection begins with `GET` over HTTP/1.1 and with `CONNECT` over HTTP/2, where
//! axum's feature `http2` is on. A handler that takes `Result<Upgrade, Refusal>` may answer other requests with a page. [The
//! page on hyper](crate::hyper) says more about both versions, about limits, and about shutting down.
//!
//! # Layers
//!
//! What stands in front of the route, tower's layers and other extractors, sees a request like any other and may refuse it.
//! What they found out reaches the connection in the closure that is its handler:
//!
//! ```no_run
//! # use axum::Extension;
//! # use axum::response::Response;
//! # use tidewire_tokio::axum::Upgrade;
//! # use tidewire_tokio::{Error, WebSocket};
//! # #[derive(Clone)]
//! # struct User(String);
//! async fn greet(Extension(User(name)): Extension<User>, upgrade: Upgrade) -> Response {
//!     let handler = async move |ws: WebSocket| ws.send(format!("hello {name}")).await;
//!     upgrade.on_upgrade(handler).await
//! }
//! ```

use std::error::Error;
use std::fmt;
use std::future::Future;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::Version;
use http::request::Parts;
use hyper::ext::Protocol;
use tidewire_common::proto::handshake::{self, Request, RequestError};
use tidewire_common::{Config, Deflate, Hosted, ServerPolicy};

use crate::accept::Accept;
use crate::guest::HandlerError;
use crate::hyper::messages;
use crate::hyper::received::Received;
use crate::websocket::WebSocket;

/// A request for a connection, which breaks no rule; see [the module](self).
///
/// Settings are those of [`Accept`], by default its defaults.
pub struct Upgrade {
    received: Received,
    accept: Accept,
}

impl Upgrade {
    /// The request; its target is what axum left of it, for example without the path under which a router is nested.
    pub fn request(&self) -> &Request {
        &self.received.request
    }

    /// Sets everything at once.
    pub fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Sets limits, deadlines and queues.
    pub fn config(mut self, config: Config) -> Self {
        self.accept = self.accept.config(config);
        self
    }

    /// Sets what is wanted of clients.
    pub fn policy(mut self, policy: ServerPolicy) -> Self {
        self.accept = self.accept.policy(policy);
        self
    }

    /// Compresses messages with clients that offer it; [`Deflate::default`] has the settings that suit most.
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.accept = self.accept.deflate(deflate);
        self
    }

    /// Judges the request, and gives the response: the connection's beginning, or a refusal, which is logged.
    ///
    /// Once it is sent, the handler runs in a task of its own, which drives the connection, too. It is closed with 1000 when
    /// the handler returns; when it fails or panics, that is logged, and the connection closed with 1011.
    ///
    /// # Cancel safety
    /// Nothing is left behind; the handler is not called.
    pub async fn on_upgrade<H, Fut, E>(self, handler: H) -> Response
    where
        H: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<HandlerError> + Send + 'static,
    {
        let response = match self.received.answer(&self.accept).await {
            Ok((response, upgrading)) => {
                tokio::spawn(upgrading.serve(handler));
                response
            }
            Err(refusal) => refusal.0,
        };
        response.map(Body::from)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let version = parts.version;
        let protocol = parts.extensions.get::<Protocol>();
        let request = messages::request(&parts.method, &parts.uri, version, &parts.headers, protocol);
        let request = request.and_then(|request| {
            // Here goes what no settings would accept.
            handshake::Upgrade::check(&request)?;
            Ok(request)
        });
        let request = request.map_err(|error| Refusal { error, version })?;
        Ok(Self {
            received: Received::new(request, version, parts.extensions.remove()),
            accept: Accept::new(),
        })
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("request", &self.received.request)
            .field("accept", &self.accept)
            .finish_non_exhaustive()
    }
}

/// Why a request is no [`Upgrade`]. As a response it says so, with the error's status and the rule as its text, and is
/// logged; an application may answer something else, a page for example.
#[derive(Clone, Debug)]
pub struct Refusal {
    error: RequestError,
    version: Version,
}

impl Refusal {
    /// The rule that the request breaks.
    pub fn error(&self) -> &RequestError {
        &self.error
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let refused = Hosted::new(&ServerPolicy::default()).refuse(self.error);
        messages::refusal(refused.response, self.version).map(Body::from)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Refusal {}
