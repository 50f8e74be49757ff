use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;

use tidewire_common::proto::Instant;
use tidewire_common::proto::extension::Extension;
use tidewire_common::{ClientOptions, Config, Deflate, HandshakeError, Opening, Session, Target};
use tracing::info;

use crate::clock;
use crate::exchange::{self, Arrived};
use crate::socket::Socket;
use crate::transport::Transport;
use crate::websocket::WebSocket;

/// Connects to a `ws://` URL with the default settings.
///
/// # Errors
/// As for [`Connect::open`].
///
/// ```no_run
/// let mut ws = tidewire_blocking::connect("ws://127.0.0.1:9001/")?;
/// ws.send("hello")?;
/// println!("{:?}", ws.recv()?);
/// ws.close(1000, "bye")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect(url: impl Into<String>) -> Result<WebSocket, HandshakeError> {
    Connect::new(url).open()
}

/// Connects with settings of its own.
///
/// ```no_run
/// use tidewire_blocking::Connect;
///
/// let ws = Connect::new("ws://127.0.0.1:9001/chat")
///     .subprotocol("chat")
///     .field("Origin", "https://example.com")
///     .open()?;
/// assert_eq!(ws.subprotocol().as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    pub(crate) url: String,
    pub(crate) config: Config,
    pub(crate) options: ClientOptions,
}

impl Connect {
    /// Starts from the defaults. The URL is read by [`open`](Self::open).
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            config: Config::default(),
            options: ClientOptions::default(),
        }
    }

    /// Sets limits, deadlines and queues.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Offers a subprotocol, the favourite first.
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        self.options = self.options.subprotocol(subprotocol);
        self
    }

    /// Offers an [extension](crate::extension), in place of one offered before.
    pub fn extension(mut self, extension: impl Extension + 'static) -> Self {
        self.options = self.options.extension(extension);
        self
    }

    /// Offers to compress messages; [`Deflate::default`] has the settings that suit most.
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.options = self.options.deflate(deflate);
        self
    }

    /// Adds a header field, for example `Origin` or `Authorization`.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options = self.options.field(name, value);
        self
    }

    /// Looks the host up, tries its addresses in order, and shakes hands; all of it within the
    /// [open timeout](crate::ConfigBuilder::open_timeout).
    ///
    /// # Errors
    /// [`HandshakeError`] says how far it came; where no address could be connected to, it is the last one's error.
    pub fn open(&self) -> Result<WebSocket, HandshakeError> {
        let target = Target::parse(&self.url)?;
        let deadline = self.deadline();
        // What may not be sent is found before anything is.
        Opening::new(
            &self.config,
            &target,
            &self.options,
            clock::now(),
            deadline,
            &mut Vec::new(),
        )?;
        let stream = dial(look_up(&target, deadline)?, deadline)?;
        self.shake_hands(Socket::from(stream), &target, deadline)
    }

    /// Shakes hands over a stream that is connected already; the URL says what is asked for.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn over<S: Transport>(&self, stream: S) -> Result<WebSocket<S>, HandshakeError> {
        let target = Target::parse(&self.url)?;
        self.shake_hands(stream, &target, self.deadline())
    }

    fn deadline(&self) -> Option<Instant> {
        self.config
            .open_timeout()
            .and_then(|timeout| clock::after(clock::now(), timeout))
    }

    fn shake_hands<S: Transport>(
        &self,
        stream: S,
        target: &Target,
        deadline: Option<Instant>,
    ) -> Result<WebSocket<S>, HandshakeError> {
        stream.prepare()?;
        let mut out = Vec::new();
        let mut opening = Opening::new(
            &self.config,
            target,
            &self.options,
            clock::now(),
            deadline,
            &mut out,
        )?;
        exchange::write(&stream, &out, deadline)?;
        let mut buffer = Vec::new();
        loop {
            match exchange::read(&stream, &mut buffer, opening.poll_timeout())? {
                Arrived::Bytes => {
                    if let Some(negotiated) = opening.handle_input(&buffer)? {
                        let session = Session::client(&self.config, negotiated, clock::now());
                        return Ok(WebSocket::new(stream, session)?);
                    }
                }
                Arrived::End => {
                    opening.handle_end()?;
                    return Err(HandshakeError::UnexpectedEnd);
                }
                Arrived::Nothing => {}
            }
            opening.handle_timeout(clock::now())?;
        }
    }
}

/// Looks a host up. The system's resolver knows no deadline, so that a name (not an address) is looked up in a thread
/// of its own, which is left to itself when the time is over.
fn look_up(target: &Target, deadline: Option<Instant>) -> Result<Vec<SocketAddr>, HandshakeError> {
    if let Ok(address) = target.host().parse() {
        return Ok(vec![SocketAddr::new(address, target.port())]);
    }
    let host = (target.host().to_owned(), target.port());
    let Some(left) = clock::left(deadline) else {
        return Ok(host.to_socket_addrs()?.collect());
    };
    let (found, addresses) = mpsc::channel();
    thread::Builder::new()
        .name("tidewire-lookup".into())
        .spawn(move || found.send(host.to_socket_addrs().map(Vec::from_iter)))?;
    addresses
        .recv_timeout(left)
        .map_err(|_| HandshakeError::Timeout)?
        .map_err(HandshakeError::Io)
}

fn dial(addresses: Vec<SocketAddr>, deadline: Option<Instant>) -> Result<TcpStream, HandshakeError> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "host has no address");
    for address in addresses {
        let connected = match clock::left(deadline) {
            Some(left) if left.is_zero() => return Err(HandshakeError::Timeout),
            Some(left) => TcpStream::connect_timeout(&address, left),
            None => TcpStream::connect(address),
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                info!(%address, %error, "address cannot be connected to");
                last = error;
            }
        }
    }
    if clock::left(deadline).is_some_and(|left| left.is_zero()) {
        return Err(HandshakeError::Timeout);
    }
    Err(last.into())
}
