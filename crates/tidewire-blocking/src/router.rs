use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use tidewire_common::{InvalidRoute, PathParameters, Routes};

use crate::listener::Listener;
use crate::serve::{HandlerError, Server};
use crate::websocket::WebSocket;

/// Leads each connection to the handler for its path.
///
/// ```no_run
/// use std::net::TcpListener;
/// use tidewire_blocking::{BasicAuth, Error, Response, Router, ServerPolicy, WebSocket};
///
/// fn echo(mut ws: WebSocket) -> Result<(), Error> {
///     while let Some(message) = ws.recv()? {
///         ws.send(message)?;
///     }
///     Ok(())
/// }
///
/// let policy = ServerPolicy::default()
///     .on_request(|request| match request.path() {
///         "/health" => Some(Response::new(200).ok()?.body("ok\n")),
///         _ => None,
///     })
///     .basic_auth(BasicAuth::fixed("chat", [("ada", "correct horse")])?);
/// Router::new()
///     .route("/echo", |ws, ()| echo(ws))?
///     .route("/rooms/{room}/seats/{seat}", |ws, (room, seat): (String, u32)| {
///         ws.send(format!("{room}: seat {seat}"))
///     })?
///     .serve(TcpListener::bind("127.0.0.1:9001")?)
///     .policy(policy)
///     .run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A path that no route has, or with a parameter that its handler cannot read, is answered with 404 before there is a
/// connection; [`ServerPolicy`](crate::ServerPolicy) says what comes before and after that, and what a request to a path
/// that is no upgrade is answered with. The query takes no part: it is in the handler's
/// [`handshake`](WebSocket::handshake), with the whole request.
#[derive(Default)]
pub struct Router {
    routes: Routes,
    /// By the numbers of the routes.
    handlers: Vec<Box<Handler>>,
}

/// `None` where the values are not what the handler takes.
type Handler = dyn Fn(WebSocket, &[Cow<'_, str>]) -> Option<Result<(), HandlerError>> + Send + Sync;

impl Router {
    /// Starts without a route, which answers everything with 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route, and its handler, as [`serve`](crate::serve()) has it but with the [parameters](PathParameters) of the path.
    ///
    /// `{name}` stands for one byte or more up to the next slash, or up to other text as in `/v{version}.json`; `{*name}` for
    /// all the rest of a path, slashes too. A brace that stands for itself is written twice. Text is compared byte for byte
    /// with the path as it was sent, percent-encoding included; `/rooms` and `/rooms/` are two paths. Where two routes have a
    /// path in common, text goes before a parameter, and that before a rest. The handler gets the values decoded.
    ///
    /// # Errors
    /// [`InvalidRoute`] for a path that could as well be another route's, for what is no path, and for a number of
    /// parameters that the handler does not take.
    pub fn route<P, H, E>(mut self, path: &str, handler: H) -> Result<Self, InvalidRoute>
    where
        P: PathParameters + 'static,
        H: Fn(WebSocket, P) -> Result<(), E> + Send + Sync + 'static,
        E: Into<HandlerError>,
    {
        self.routes.add::<P>(path)?;
        self.handlers.push(Box::new(move |ws, values| {
            let parameters = P::parse(values)?;
            Some(handler(ws, parameters).map_err(Into::into))
        }));
        Ok(self)
    }

    /// A server for every client that connects to `listener`, with the default settings.
    pub fn serve(
        self,
        listener: impl Listener,
    ) -> Server<impl Fn(WebSocket) -> Result<(), HandlerError> + Send + Sync + 'static> {
        let Self { routes, handlers } = self;
        let routes = Arc::new(routes);
        let known = routes.clone();
        Server::new(listener, move |ws| handle(&routes, &handlers, ws)).routes(known)
    }
}

/// Calls the handler for the path of a connection. It was found before, to accept the connection; what was found then is
/// not kept, since every connection would need room for it.
fn handle(routes: &Routes, handlers: &[Box<Handler>], ws: WebSocket) -> Result<(), HandlerError> {
    let handshake = ws.handshake();
    let found = handshake.request().and_then(|request| routes.find(request));
    found
        .and_then(|(number, values)| handlers.get(number)?(ws, &values))
        .unwrap_or_else(|| Err("a path that was read once is not read again".into()))
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
