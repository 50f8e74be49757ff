use tidewire_common::proto::Instant;
use tidewire_common::{ClientSettings, Config, HandshakeError, Journey, Scheme, Session};

use crate::client_tls;
use crate::clock;
use crate::dial::dial;
use crate::exchange::{self, Arrived};
use crate::socket::Socket;
use crate::traced::traced;
use crate::transport::Transport;
use crate::tunnel;
use crate::websocket::WebSocket;

/// Connects to a `ws://` or `wss://` URL, with the default settings unless others are set; [`open`](Connect::open) gives
/// the connection.
///
/// ```no_run
/// let mut ws = tidewire_blocking::connect("ws://127.0.0.1:9001/").open()?;
/// ws.send("hello")?;
/// println!("{:?}", ws.recv()?);
/// ws.close(1000, "bye")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect(url: impl Into<String>) -> Connect {
    Connect::new(url)
}

/// Connects to a URL with settings of its own.
///
/// ```no_run
/// let ws = tidewire_blocking::connect("ws://127.0.0.1:9001/chat")
///     .subprotocol("chat")
///     .origin("https://example.com")
///     .cookie("session", "31d4d96e407aad42")
///     .open()?;
/// assert_eq!(ws.subprotocol().as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    pub(crate) config: Config,
    pub(crate) settings: ClientSettings,
}

impl Connect {
    /// Starts from the defaults. The URL is read by [`open`](Self::open).
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            config: Config::default(),
            settings: ClientSettings::new(url),
        }
    }

    tidewire_common::connect_settings!();

    /// Looks the host up, connects, and shakes hands, redirects included; all of it within the
    /// [open timeout](crate::ConfigBuilder::open_timeout). A name is looked up in a thread of its own, which is left to
    /// itself where the time is over before the system's resolver is done.
    ///
    /// Where a name has several addresses, the next is tried 250 ms after the last, or at once where that failed, and the
    /// first that is connected to is taken (RFC 8305).
    ///
    /// # Errors
    /// [`HandshakeError`]: what was tried and what came back. What cannot be sent is found before anything is.
    pub fn open(&self) -> Result<WebSocket, HandshakeError> {
        let mut journey = Journey::new(&self.settings)?;
        let deadline = self.deadline();
        loop {
            let socket = self.reach(&journey, deadline)?;
            let socket = traced(socket, self.settings.trace.as_ref());
            match self.shake_hands(&journey, socket, deadline) {
                Ok(ws) => return Ok(ws),
                Err(error) => journey.follow(error)?,
            }
        }
    }

    /// Opens the connection over a byte stream that leads to the server already, TLS included where the URL asks for it.
    /// Redirects are not followed, since the stream ends with one.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn over<S: Transport>(&self, stream: S) -> Result<WebSocket<S>, HandshakeError> {
        let journey = Journey::new(&self.settings)?;
        stream.prepare()?;
        self.shake_hands(&journey, stream, self.deadline())
    }

    fn deadline(&self) -> Option<Instant> {
        self.config
            .open_timeout()
            .and_then(|timeout| clock::after(clock::now(), timeout))
    }

    /// A stream that leads to where a journey is.
    fn reach(&self, journey: &Journey<'_>, deadline: Option<Instant>) -> Result<Socket, HandshakeError> {
        let target = journey.target();
        client_tls::check(target.scheme())?;
        let options = journey.socket_options();
        let socket = match journey.detour()? {
            None => dial(&journey.destination(), options, deadline)?,
            Some(detour) => tunnel::through(&detour, options, self.config.head_limits(), deadline)?,
        };
        match target.scheme() {
            Scheme::Ws => Ok(socket),
            Scheme::Wss => client_tls::secure(socket, journey.tls(), target.host(), deadline),
        }
    }

    fn shake_hands<S: Transport>(
        &self,
        journey: &Journey<'_>,
        stream: S,
        deadline: Option<Instant>,
    ) -> Result<WebSocket<S>, HandshakeError> {
        let mut out = Vec::new();
        let mut opening = journey.open(&self.config, clock::now(), deadline, &mut out)?;
        exchange::write(&stream, &out, deadline)?;
        let mut buffer = Vec::new();
        loop {
            let arrived = exchange::read(&stream, &mut buffer, opening.poll_timeout());
            match arrived.map_err(|error| opening.fail(error.into()))? {
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
