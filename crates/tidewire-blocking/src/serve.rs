use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[cfg(feature = "tls")]
use tidewire_common::ServerTls;
use tidewire_common::{
    Admission, Admissions, Caps, Config, Deflate, ProxyProtocol, Routes, Served, ServerPolicy,
};
use tracing::{Level, debug_span, enabled, warn};

use crate::accept::Accept;
use crate::control::{Control, Guest};
use crate::entrance::Entrance;
use crate::handler;
use crate::keeper::Keeper;
use crate::listener::Listener;
use crate::listeners::Listeners;
use crate::socket::Socket;
use crate::websocket::WebSocket;

/// How long accepting rests where there is no thread for a connection.
const WITHOUT_THREAD: Duration = Duration::from_millis(50);
/// The stack of a connection's thread: enough for a handler that parses and formats, a quarter of what the standard
/// library gives. Only touched pages cost memory.
const STACK: usize = 512 * 1024;

/// What an error of a handler is turned into, for the log.
pub(crate) type HandlerError = Box<dyn StdError + Send + Sync>;

/// Serves every client that connects to `listener`, with the default settings, until
/// [shut down](ServerHandle::shutdown).
///
/// Each connection has a thread in which the handler runs. When the handler returns, the connection is closed with
/// 1000; when it fails or panics, that is logged, and the connection is closed with 1011. The server goes on.
///
/// Any page that a browser shows may connect, and the browser sends the user's cookies along: where those mean
/// something, allow [your own](ServerPolicy::origins) alone.
///
/// # Errors
/// Where the listener cannot be used at all, or there is neither a descriptor nor a thread left to start with; that
/// accepting fails for a while is logged.
///
/// ```no_run
/// use std::net::TcpListener;
/// use tidewire_blocking::{Error, WebSocket, serve};
///
/// fn echo(mut ws: WebSocket) -> Result<(), Error> {
///     while let Some(message) = ws.recv()? {
///         ws.send(message)?;
///     }
///     Ok(())
/// }
///
/// serve(TcpListener::bind("127.0.0.1:9001")?, echo)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve<H, E>(listener: impl Listener, handler: H) -> io::Result<Served>
where
    H: Fn(WebSocket) -> Result<(), E> + Send + Sync + 'static,
    E: Into<HandlerError>,
{
    Server::new(listener, handler).run()
}

/// Looks at a server and shuts it down, from anywhere; cheap to clone.
pub type ServerHandle = tidewire_common::ServerHandle<Control>;

/// A server with settings of its own.
///
/// ```no_run
/// use std::net::TcpListener;
/// use std::time::Duration;
/// use tidewire_blocking::{Server, WebSocket};
///
/// let server = Server::new(TcpListener::bind("127.0.0.1:0")?, |ws: WebSocket| ws.send("hello"));
/// let handle = server.handle();
/// std::thread::spawn(move || {
///     std::thread::sleep(Duration::from_secs(60));
///     handle.shutdown(Duration::from_secs(5));
/// });
/// let served = server.run()?;
/// println!("{} finished, {} aborted", served.finished, served.aborted);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server<H> {
    listeners: Vec<Box<dyn Listener>>,
    handler: H,
    entrance: Entrance,
    accept: Accept,
    stack_size: usize,
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
            stack_size: STACK,
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

    /// Sets the stack of each connection's thread, on which the handler runs; 512 KiB by default. This library needs
    /// less than 64 KiB of it.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Refuses requests that take none of these routes.
    pub(crate) fn routes(mut self, routes: Arc<Routes>) -> Self {
        self.accept = self.accept.routes(routes);
        self
    }

    /// A handle to look at the server and to shut it down, from anywhere.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(self.control.clone())
    }
}

impl<H, E> Server<H>
where
    H: Fn(WebSocket) -> Result<(), E> + Send + Sync + 'static,
    E: Into<HandlerError>,
{
    /// Serves until [shut down](ServerHandle::shutdown); gives the counts then.
    ///
    /// # Errors
    /// As for [`serve`].
    pub fn run(self) -> io::Result<Served> {
        let Self {
            listeners,
            handler,
            entrance,
            accept,
            stack_size,
            control,
        } = self;
        let mut listeners = Listeners::new(listeners, control.wake_up_call()?)?;
        // It takes descriptors and a thread, which may be used up when the first connection opens.
        Keeper::get()?;
        let service = Arc::new(Service {
            entrance,
            accept,
            handler,
        });
        let welcome = |socket| {
            let Some(mut admission) = service.entrance.admit(&socket) else {
                return Ok(());
            };
            let guest = Guest::new(&control);
            let service = service.clone();
            let spawned = thread::Builder::new()
                .name("tidewire".into())
                .stack_size(stack_size)
                .spawn(move || serve_one(socket, &guest, &mut admission, &service));
            spawned.map(drop).inspect_err(|error| {
                warn!(%error, "connection dropped: no thread for it");
            })
        };
        while let Some(socket) = listeners.next(&control) {
            if welcome(socket).is_err() {
                listeners.rest(WITHOUT_THREAD);
            }
        }
        // They are refused, as those are whose handshakes are in progress.
        listeners.empty(&control, |socket| {
            let _ = welcome(socket);
        });
        Ok(control.finish())
    }
}

impl<H> fmt::Debug for Server<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("accept", &self.accept)
            .field("stack_size", &self.stack_size)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}

/// What those who connect share.
struct Service<H> {
    entrance: Entrance,
    accept: Accept,
    handler: H,
}

fn serve_one<H, E>(socket: Socket, guest: &Guest, admission: &mut Admission, service: &Service<H>)
where
    H: Fn(WebSocket) -> Result<(), E>,
    E: Into<HandlerError>,
{
    guest.arrives(&socket);
    let peer = enabled!(Level::DEBUG).then(|| socket.peer_addr()).flatten();
    let Service {
        entrance,
        accept,
        handler,
    } = service;
    let mut accepting = accept.begin();
    let ws = entrance
        .lead_in(socket, guest, admission, &mut accepting)
        .and_then(|socket| accept.accept_guest(socket, &mut accepting, Some(guest)));
    // Why a handshake fails is logged where it is refused; one that breaks off says nothing of the server.
    let Ok(ws) = ws else { return };
    admission.open();
    let id = ws.id();
    let _span = debug_span!("connection", %id, ?peer).entered();
    let ended = handler::run(ws, |ws| {
        // Only now: who finds it by the server's handle may drop what was found.
        guest.enters(ws.link());
        handler(ws)
    });
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error: HandlerError = error.into();
            // Escaped: it may quote what the peer sent.
            warn!(connection = %id, error = %error.to_string().escape_debug(), "handler failed");
        }
        Err(_) => warn!(connection = %id, "handler panicked"),
    }
}
