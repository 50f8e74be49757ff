use std::borrow::Cow;
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::listener::Listener;
use tidewire_common::{InvalidRoute, PathParameters, Routes};

use crate::guest::HandlerError;
use crate::serve::Server;
use crate::websocket::WebSocket;

/// Leads each connection to the handler for its path.
///
/// ```no_run
/// use tidewire_tokio::{BasicAuth, Error, Response, Router, ServerPolicy, WebSocket};
/// use tokio::net::TcpListener;
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let policy = ServerPolicy::default()
///         .on_request(|request| match request.path() {
///             "/health" => Some(Response::new(200).ok()?.body("ok\n")),
///             _ => None,
///         })
///         .basic_auth(BasicAuth::fixed("chat", [("ada", "correct horse")])?);
///     Router::new()
///         .route("/echo", async |ws: WebSocket, ()| echo(ws).await)?
///         .route("/rooms/{room}/seats/{seat}", async |ws: WebSocket, (room, seat): (String, u32)| {
///             ws.send(format!("{room}: seat {seat}")).await
///         })?
///         .serve(TcpListener::bind("127.0.0.1:9001").await?)
///         .policy(policy)
///         .await?;
///     Ok(())
/// }
///
/// async fn echo(mut ws: WebSocket) -> Result<(), Error> {
///     while let Some(message) = ws.recv().await? {
///         ws.send(message).await?;
///     }
///     Ok(())
/// }
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
type Handler = dyn Fn(WebSocket, &[Cow<'_, str>]) -> Option<Handling> + Send + Sync;

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
    pub fn route<P, H, Fut, E>(mut self, path: &str, handler: H) -> Result<Self, InvalidRoute>
    where
        P: PathParameters + 'static,
        H: Fn(WebSocket, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<HandlerError>,
    {
        self.routes.add::<P>(path)?;
        self.handlers.push(Box::new(move |ws, values| {
            let parameters = P::parse(values)?;
            Some(Handling(Box::pin(handler(ws, parameters))))
        }));
        Ok(self)
    }

    /// Serves every client that connects to `listener`, as [`serve`](crate::serve()) does.
    pub fn serve(
        self,
        listener: impl Listener,
    ) -> Server<impl Fn(WebSocket) -> Handling + Send + Sync + 'static> {
        let Self { routes, handlers } = self;
        let routes = Arc::new(routes);
        let known = routes.clone();
        Server::new(listener, move |ws| handle(&routes, &handlers, ws)).routes(known)
    }
}

/// Calls the handler for the path of a connection. It was found before, to accept the connection; what was found then is
/// not kept, since every connection would need room for it.
fn handle(routes: &Routes, handlers: &[Box<Handler>], ws: WebSocket) -> Handling {
    let handshake = ws.handshake();
    let found = handshake.request().and_then(|request| routes.find(request));
    found
        .and_then(|(number, values)| handlers.get(number)?(ws, &values))
        .unwrap_or_else(|| {
            Handling(Box::pin(ready(Err(
                "a path that was read once is not read again",
            ))))
        })
}

/// The handler of a route at work.
pub struct Handling(Pin<Box<dyn Work + Send>>);

/// A handler's future, whatever it fails with. Boxed once, where a future that makes its errors alike would be boxed around
/// it.
trait Work {
    fn poll_work(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), HandlerError>>;
}

impl<Fut, E> Work for Fut
where
    Fut: Future<Output = Result<(), E>>,
    E: Into<HandlerError>,
{
    fn poll_work(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        self.poll(cx).map_err(Into::into)
    }
}

impl Future for Handling {
    type Output = Result<(), HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll_work(cx)
    }
}

impl fmt::Debug for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handling").finish_non_exhaustive()
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
