use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "tls")]
use tidewire_common::ServerTls;
use tidewire_common::proto::handshake::{InvalidField, Request, Response};
use tidewire_common::{
    Admissions, Caps, Config, Credentials, Deflate, ProxyProtocol, Routes, Served, ServerControl as _,
    ServerPolicy,
};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::accept::Accept;
use crate::control::Control;
use crate::entrance::Entrance;
use crate::guest::{self, Guest, HandlerError, Service};
use crate::listener::Listener;
use crate::listeners::Listeners;
use crate::websocket::WebSocket;

/// How long after the deadline aborted handlers may take to go: a part of the second that a shutdown may last beyond it.
const AFTER_ABORT: Duration = Duration::from_millis(500);

/// Serves every client that connects to `listener`, with the default settings; awaited, it runs until
/// [shut down](ServerHandle::shutdown).
///
/// Each connection has a task in which the handler runs and which drives the connection while the handler waits.
/// When the handler returns, the connection is closed with 1000; when it fails or panics, that is logged, and the
/// connection is closed with 1011. The server goes on.
///
/// Any page that a browser shows may connect, and the browser sends the user's cookies along: where those mean
/// something, allow [your own](ServerPolicy::origins) alone.
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
pub fn serve<H>(listener: impl Listener, handler: H) -> Server<H> {
    Server::new(listener, handler)
}

/// Looks at a server and shuts it down, from anywhere; cheap to clone.
pub type ServerHandle = tidewire_common::ServerHandle<Control>;

/// A server with settings of its own; to be awaited.
///
/// ```no_run
/// use std::time::Duration;
/// use tidewire_tokio::{Server, WebSocket};
/// use tokio::net::TcpListener;
///
/// # async fn example() -> std::io::Result<()> {
/// let server = Server::new(TcpListener::bind("127.0.0.1:0").await?, async |ws: WebSocket| ws.send("hello").await);
/// let handle = server.handle();
/// tokio::spawn(async move {
///     tokio::time::sleep(Duration::from_secs(60)).await;
///     handle.shutdown(Duration::from_secs(5));
/// });
/// let served = server.await?;
/// println!("{} finished, {} aborted", served.finished, served.aborted);
/// # Ok(())
/// # }
/// ```
pub struct Server<H> {
    listeners: Vec<Box<dyn Listener>>,
    handler: H,
    entrance: Entrance,
    accept: Accept,
    control: Arc<Control>,
}

impl<H> Server<H> {
    /// Starts from the defaults.
    pub fn new(listener: impl Listener, handler: H) -> Self {
        let server = Self {
            listeners: Vec::new(),
            handler,
            entrance: Entrance::default(),
            accept: Accept::new(),
            control: Arc::new(Control::new()),
        };
        server.listener(listener)
    }

    /// Listens there, too: on another address, or on a Unix socket.
    pub fn listener(mut self, listener: impl Listener) -> Self {
        if let Some(address) = listener.local_addr() {
            self.control.add_address(address);
        }
        self.listeners.push(Box::new(listener));
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

    /// Lets `answer` see each request first, which may take its time; see [`Accept::on_request`].
    pub fn on_request<A, Asked>(mut self, answer: A) -> Self
    where
        A: Fn(Request) -> Asked + Send + Sync + 'static,
        Asked: Future<Output = Option<Response>> + Send + 'static,
    {
        self.accept = self.accept.on_request(answer);
        self
    }

    /// Wants a user and a password, and asks `is_right`, which may take its time; see [`Accept::basic_auth`].
    ///
    /// # Errors
    /// As for [`Accept::basic_auth`].
    pub fn basic_auth<C, Checked>(mut self, realm: &str, is_right: C) -> Result<Self, InvalidField>
    where
        C: Fn(Credentials) -> Checked + Send + Sync + 'static,
        Checked: Future<Output = bool> + Send + 'static,
    {
        self.accept = self.accept.basic_auth(realm, is_right)?;
        Ok(self)
    }

    /// Refuses requests that take none of these routes.
    pub(crate) fn routes(mut self, routes: Arc<Routes>) -> Self {
        self.accept = self.accept.routes(routes);
        self
    }

    /// Bounds how many connections there are at a time; those beyond are refused with 503.
    pub fn caps(mut self, caps: Caps) -> Self {
        self.entrance.admissions = Admissions::new(caps);
        self
    }

    /// Expects a PROXY header in front of connections, from which then [`WebSocket::peer_addr`] is.
    pub fn proxy_protocol(mut self, protocol: ProxyProtocol) -> Self {
        self.entrance.proxy_protocol = Some(protocol);
        self
    }

    /// Speaks TLS on all listeners, within the time of the opening handshake. Who does not is refused with 400, in the clear.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<ServerTls>) -> Self {
        self.entrance.tls = tls.into().into();
        self
    }

    /// A handle to look at the server and to shut it down, from anywhere.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(self.control.clone())
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
            listeners,
            handler,
            entrance,
            accept,
            control,
        } = self;
        let service = Arc::new(Service {
            entrance,
            accept,
            handler,
        });
        let host = Host {
            keeper: tokio::spawn(control.clone().keep_deadlines()).abort_handle(),
            control: control.clone(),
        };
        let welcome = |socket| {
            if let Some(admission) = service.entrance.admit(&socket) {
                let service = service.clone();
                control.spawn(admission, |seat| {
                    Guest::Opens(Box::pin(guest::open(socket, seat, service)))
                });
            }
        };
        let mut listeners = Listeners::new(listeners);
        let mut stopped = pin!(control.stopped());
        loop {
            tokio::select! {
                socket = listeners.next() => welcome(socket),
                () = &mut stopped => break,
            }
        }
        // They are refused, as those are whose handshakes are in progress.
        listeners.empty(&control, welcome).await;
        let served = finish(&control).await;
        drop(host);
        Ok(served)
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
            .field("addresses", &self.control.addresses())
            .field("accept", &self.accept)
            .finish_non_exhaustive()
    }
}

/// Aborts the tasks that are left when the server goes, however it does.
struct Host {
    control: Arc<Control>,
    /// The one that keeps the deadlines.
    keeper: AbortHandle,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.control.abort();
        self.keeper.abort();
    }
}

/// Waits until all have gone, at last without patience, where there is a deadline.
async fn finish(control: &Control) -> Served {
    let deadline = tokio::select! {
        biased;
        deadline = control.shut_down() => deadline,
        () = control.emptied() => Instant::now(),
    };
    let _ = tokio::time::timeout_at(deadline, control.emptied()).await;
    let (finished, open) = control.counts();
    let mut served = Served::default();
    served.finished = finished;
    served.aborted = open;
    control.abort();
    // A handler that blocks its thread cannot be aborted, and must not hold the shutdown up.
    let _ = tokio::time::timeout_at(deadline + AFTER_ABORT, control.emptied()).await;
    served
}
