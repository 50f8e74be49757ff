use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame};
use tidewire_common::{Config, ConnectionId, ServerPolicy, Traffic};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument, debug, debug_span, info, warn};

use crate::driver::{self, Ended};
use crate::open::Accept;
use crate::shared::Shared;
use crate::state::Transport;
use crate::websocket::WebSocket;

/// How long accepting rests after it failed, for example for want of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// How long aborted handlers may take to go.
const ABORT: Duration = Duration::from_secs(1);

/// What an error of a handler is turned into, for the log.
type HandlerError = Box<dyn StdError + Send + Sync>;

/// Serves every client that connects to `listener`, with the default settings; awaited, it runs until
/// [shut down](ServerHandle::shutdown).
///
/// Each connection has a task in which the handler runs and which drives the connection while the handler waits.
/// When the handler returns, the connection is closed with 1000; when it fails or panics, that is logged, and the
/// connection is closed with 1011. The server goes on.
///
/// Any page that a browser shows may connect, and the browser sends the user's cookies along: where those mean
/// something, judge the `Origin` field in [`ServerPolicy::on_request`].
///
/// ```no_run
/// use tidewire_tokio::{Error, WebSocket, serve};
///
/// async fn echo(mut ws: WebSocket) -> Result<(), Error> {
///     while let Some(message) = ws.recv().await? {
///         ws.send(message).await?;
///     }
///     Ok(())
/// }
///
/// # async fn example() -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
/// serve(listener, echo).await?;
/// # Ok(())
/// # }
/// ```
pub fn serve<H>(listener: TcpListener, handler: H) -> Server<H> {
    Server::new(listener, handler)
}

/// A server with settings of its own; to be awaited.
pub struct Server<H> {
    listener: TcpListener,
    handler: H,
    accept: Accept,
    control: Arc<Control>,
}

impl<H> Server<H> {
    /// Starts from the defaults.
    pub fn new(listener: TcpListener, handler: H) -> Self {
        let control = Arc::new(Control {
            stop: watch::Sender::new(None),
            open: Mutex::default(),
            ended: Mutex::default(),
            address: listener.local_addr().ok(),
        });
        Self {
            listener,
            handler,
            accept: Accept::new(),
            control,
        }
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

    /// A handle to look at the server and to shut it down, from anywhere.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle(self.control.clone())
    }
}

impl<H, Fut, E> Server<H>
where
    H: Fn(WebSocket) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<HandlerError> + Send + 'static,
{
    async fn run(self) -> io::Result<Served> {
        let Self {
            listener,
            handler,
            accept,
            control,
        } = self;
        let handler = Arc::new(handler);
        let mut stop = control.stop.subscribe();
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let connection = serve_one(stream, peer, accept.clone(), handler.clone(), control.clone());
                        tasks.spawn(connection);
                    }
                    // Out of file descriptors, or the client is gone already: live connections go on.
                    Err(error) => {
                        warn!(%error, "accepting rests");
                        tokio::time::sleep(ACCEPT_REST).await;
                    }
                },
                Some(_) = tasks.join_next() => {}
                () = stopped(&mut stop) => break,
            }
        }
        drop(listener);
        Ok(finish(tasks, &control).await)
    }
}

impl<H, Fut, E> IntoFuture for Server<H>
where
    H: Fn(WebSocket) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<HandlerError> + Send + 'static,
{
    type Output = io::Result<Served>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<H> fmt::Debug for Server<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.control.address)
            .field("accept", &self.accept)
            .finish_non_exhaustive()
    }
}

/// Looks at a server and shuts it down.
#[derive(Clone)]
pub struct ServerHandle(Arc<Control>);

impl ServerHandle {
    /// Stops listening, refuses handshakes in progress with 503, closes open connections with 1001, and waits for
    /// the handlers; those that have not returned after `deadline` are aborted.
    ///
    /// Returns at once: the server's own future ends when all is done.
    pub fn shutdown(&self, deadline: Duration) {
        self.0.stop.send_if_modified(|stop| match stop {
            Some(_) => false,
            None => stop.replace(Instant::now() + deadline).is_none(),
        });
    }

    /// Whether the server takes new connections.
    pub fn is_serving(&self) -> bool {
        self.0.stop.borrow().is_none()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.0.open().len()
    }

    /// What went in and out over all connections, those that have ended and those that are open.
    pub fn traffic(&self) -> Traffic {
        let open: Vec<_> = self.0.open().values().filter_map(Weak::upgrade).collect();
        let mut traffic = *self.0.ended();
        for connection in open {
            traffic += connection.traffic();
        }
        traffic
    }

    /// The address that the server listens on.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.0.address
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("address", &self.0.address)
            .field("connections", &self.connections())
            .field("is_serving", &self.is_serving())
            .finish()
    }
}

/// How the connections ended that were open at a shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Those whose handler returned in time.
    pub finished: usize,
    /// Those that were aborted at the deadline.
    pub aborted: usize,
}

/// What a server and its handles share.
struct Control {
    /// The deadline, once the server is to stop.
    stop: watch::Sender<Option<Instant>>,
    open: Mutex<HashMap<ConnectionId, Weak<dyn Open>>>,
    /// What the connections that have ended did.
    ended: Mutex<Traffic>,
    address: Option<SocketAddr>,
}

impl Control {
    fn open(&self) -> MutexGuard<'_, HashMap<ConnectionId, Weak<dyn Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, Traffic> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection, whatever its stream.
trait Open: Send + Sync {
    /// Closes it, since the server shuts down.
    fn leave(&self);

    fn traffic(&self) -> Traffic;
}

impl<S: Transport + Send> Open for Shared<S> {
    fn traffic(&self) -> Traffic {
        self.with(|state, _| state.session.metrics().traffic)
    }

    fn leave(&self) {
        self.with(|state, _| {
            let now = state.now();
            state.to_wake.driver = true;
            // Where closing has begun already, nothing is left to do.
            let _ = state.session.close(
                now,
                Some(CloseFrame::new(CloseCode::GOING_AWAY, "server shuts down")),
            );
        });
    }
}

/// Takes a connection off the list when its task ends, however it does.
struct Listed {
    control: Arc<Control>,
    id: ConnectionId,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let removed = self.control.open().remove(&self.id);
        if let Some(connection) = removed.and_then(|connection| connection.upgrade()) {
            *self.control.ended() += connection.traffic();
        }
    }
}

async fn serve_one<H, Fut, E>(
    stream: TcpStream,
    peer: SocketAddr,
    accept: Accept,
    handler: Arc<H>,
    control: Arc<Control>,
) where
    H: Fn(WebSocket) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<HandlerError>,
{
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "TCP_NODELAY not set");
    }
    let mut stop = control.stop.subscribe();
    // Boxed, so that its state does not stay in the task for as long as the connection lasts.
    let handshake = Box::pin(accept.accept_until(stream, stopped(&mut stop)));
    let ws = match handshake.await {
        Ok(ws) => ws,
        Err(error) => {
            debug!(%peer, %error, "no connection");
            return;
        }
    };
    let id = ws.id();
    let shared = ws.handle.shared().clone();
    let listed = Listed { control, id };
    let leave: Arc<dyn Open> = shared.clone();
    listed.control.open().insert(id, Arc::downgrade(&leave));
    drop(leave);
    if listed.control.stop.borrow().is_some() {
        shared.leave();
    }
    info!(connection = %id, %peer, "open");
    let span = debug_span!("connection", %id);
    // The call of the handler is part of what may fail: it runs as a future that the driver guards.
    let running = async move { handler(ws).await };
    let ended = driver::drive(shared.clone(), running, close_frame)
        .instrument(span)
        .await;
    let code = shared.with(|state, _| state.session.closed().map(|closed| closed.code().as_u16()));
    match ended {
        Ok(Ok(())) => info!(connection = %id, code, "closed"),
        Ok(Err(error)) => {
            let error: HandlerError = error.into();
            warn!(connection = %id, code, error = %error.to_string().escape_debug(), "handler failed");
        }
        Err(_) => warn!(connection = %id, code, "handler panicked"),
    }
}

/// Waits until the server is told to stop.
async fn stopped(stop: &mut watch::Receiver<Option<Instant>>) {
    // The sender lives in `Control`, which who waits here holds.
    drop(stop.wait_for(Option::is_some).await);
}

/// What a connection is closed with when its handler ends.
fn close_frame<E>(ended: &Ended<Result<(), E>>) -> CloseFrame<'static> {
    match ended {
        Ok(Ok(())) => CloseFrame::new(CloseCode::NORMAL, ""),
        Ok(Err(_)) | Err(_) => CloseFrame::new(CloseCode::INTERNAL_ERROR, ""),
    }
}

/// Sees the open connections off, up to the deadline.
async fn finish(mut tasks: JoinSet<()>, control: &Control) -> Served {
    let deadline = control.stop.borrow().unwrap_or_else(Instant::now);
    let open: Vec<_> = control.open().values().filter_map(Weak::upgrade).collect();
    info!(connections = open.len(), "shutting down");
    for connection in open {
        connection.leave();
    }
    let mut served = Served::default();
    while let Ok(Some(_)) = tokio::time::timeout_at(deadline, tasks.join_next()).await {
        served.finished += 1;
    }
    served.aborted = tasks.len();
    // A handler that blocks its thread cannot be aborted, and must not hold the shutdown up.
    let _ = tokio::time::timeout(ABORT, tasks.shutdown()).await;
    served
}
