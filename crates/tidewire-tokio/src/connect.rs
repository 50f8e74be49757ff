use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};

use tidewire_common::proto::Instant;
use tidewire_common::{ClientSettings, Config, HandshakeError, Journey, Scheme, Session};
use tokio::time::Sleep;

use crate::client_tls;
use crate::clock::Clock;
use crate::dial::dial;
use crate::socket::Socket;
use crate::stages::{expiry, read, within, write};
use crate::state::Transport;
use crate::tunnel;
use crate::version::Version;
use crate::websocket::WebSocket;

/// Connects to a `ws://` or `wss://` URL, with the default settings unless others are set; awaited, it gives the
/// connection.
///
/// Where a name has several addresses, the next is tried 250 ms after the last, or at once where that failed, and the first
/// that is connected to is taken (RFC 8305).
///
/// # Errors
/// The future ends in [`HandshakeError`]: what was tried and what came back. What cannot be sent is found before anything
/// is.
///
/// # Cancel safety
/// Dropping the future leaves no socket and no task behind. A name that is just looked up occupies one of the runtime's
/// threads for blocking work until the system's resolver is done.
pub fn connect(url: impl Into<String>) -> Connect {
    Connect::new(url)
}

/// Connects to a URL with settings of its own; to be awaited.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let ws = tidewire_tokio::connect("ws://localhost:9001/room")
///     .subprotocol("chat")
///     .origin("http://localhost")
///     .cookie("session", "31d4d96e407aad42")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    pub(crate) config: Config,
    pub(crate) settings: ClientSettings,
    pub(crate) version: Version,
}

impl Connect {
    /// Starts from the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            config: Config::default(),
            settings: ClientSettings::new(url),
            version: Version::default(),
        }
    }

    tidewire_common::connect_settings!();

    /// Opens the connection over a byte stream that leads to the server already, TLS included where the URL asks for it.
    /// Redirects are not followed, since the stream ends with one.
    ///
    /// # Errors
    /// As for [`connect`].
    ///
    /// # Cancel safety
    /// As for [`connect`].
    pub async fn over<S: Transport>(&self, stream: S) -> Result<WebSocket<S>, HandshakeError> {
        let journey = Journey::new(&self.settings)?;
        let clock = Clock::start();
        let expiry = pin!(self.expiry(clock));
        self.shake_hands(&journey, stream, clock, expiry).await
    }

    async fn open(self) -> Result<WebSocket, HandshakeError> {
        let mut journey = Journey::new(&self.settings)?;
        let clock = Clock::start();
        let mut expiry = pin!(self.expiry(clock));
        loop {
            let socket = self.reach(&journey, self.version, expiry.as_mut()).await?;
            match self
                .version
                .open(&self, &journey, socket, clock, expiry.as_mut())
                .await
            {
                Ok(ws) => return Ok(ws),
                Err(error) => journey.follow(error)?,
            }
        }
    }

    /// A stream that leads to where a journey is.
    pub(crate) async fn reach(
        &self,
        journey: &Journey<'_>,
        version: Version,
        mut expiry: Pin<&mut Option<Sleep>>,
    ) -> Result<Socket, HandshakeError> {
        let target = journey.target();
        client_tls::check(target.scheme())?;
        let options = journey.socket_options();
        let socket = match journey.detour()? {
            None => dial(&journey.destination(), options, expiry.as_mut()).await?,
            Some(detour) => {
                let limits = self.config.head_limits();
                Box::pin(tunnel::through(&detour, options, limits, expiry.as_mut())).await?
            }
        };
        match target.scheme() {
            Scheme::Ws => Ok(socket),
            Scheme::Wss => {
                let protocol = version.protocol();
                client_tls::secure(socket, journey.tls(), target.host(), protocol, expiry).await
            }
        }
    }

    /// Runs the handshake, in what is left of the time for all.
    pub(crate) async fn shake_hands<S: Transport>(
        &self,
        journey: &Journey<'_>,
        mut stream: S,
        clock: Clock,
        mut expiry: Pin<&mut Option<Sleep>>,
    ) -> Result<WebSocket<S>, HandshakeError> {
        let mut out = Vec::new();
        let mut opening = journey.open(&self.config, clock.now(), self.deadline(), &mut out)?;
        within(expiry.as_mut(), pin!(write(&mut stream, &out))).await?;
        let negotiated = loop {
            let read = {
                let take = |input: &[u8]| match input {
                    [] => opening.handle_end().map(|()| None),
                    input => opening.handle_input(input),
                };
                within(expiry.as_mut(), pin!(read(&mut stream, take))).await
            };
            match read {
                Ok(answer) => {
                    if let Some(negotiated) = answer? {
                        break negotiated;
                    }
                }
                Err(HandshakeError::Timeout(_)) => opening.handle_timeout(clock.now())?,
                Err(error) => return Err(opening.fail(error)),
            }
        };
        let (session, rest) = Session::client(&self.config, negotiated, clock.now());
        Ok(WebSocket::new(stream, session, rest, clock))
    }

    /// When the time for all of it is over, by a clock that started with it.
    fn deadline(&self) -> Option<Instant> {
        self.config.open_timeout().map(|timeout| Instant::START + timeout)
    }

    pub(crate) fn expiry(&self, clock: Clock) -> Option<Sleep> {
        expiry(self.deadline().map(|at| clock.to_tokio(at)))
    }
}

impl IntoFuture for Connect {
    type Output = Result<WebSocket, HandshakeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}
