use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};

use tidewire_common::proto::extension::Extension;
use tidewire_common::{ClientOptions, Config, Deflate, HandshakeError, Opening, Session, Target};
use tokio::net::TcpStream;

use crate::clock::{self, Clock};
use crate::socket::Socket;
use crate::stages::{expiry, read, within, write};
use crate::state::Transport;
use crate::websocket::WebSocket;

/// Connects to a `ws://` URL, with the default settings; awaited, it gives the connection.
///
/// # Errors
/// The future ends in [`HandshakeError`]: what was tried and what came back.
///
/// # Cancel safety
/// Dropping the future leaves no socket and no task behind.
pub fn connect(url: impl Into<String>) -> Connect {
    Connect::new(url)
}

/// Connects to a URL with settings of its own; to be awaited.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let ws = tidewire_tokio::connect("ws://localhost:9001/room")
///     .subprotocol("chat")
///     .field("Origin", "http://localhost")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    pub(crate) url: String,
    pub(crate) config: Config,
    pub(crate) options: ClientOptions,
}

impl Connect {
    /// Starts from the defaults.
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

    /// Adds a header field to the request.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options = self.options.field(name, value);
        self
    }

    /// Opens the connection over a byte stream that leads to the server already.
    ///
    /// # Errors
    /// As for [`connect`].
    ///
    /// # Cancel safety
    /// As for [`connect`].
    pub async fn over<S: Transport>(&self, stream: S) -> Result<WebSocket<S>, HandshakeError> {
        let target = Target::parse(&self.url)?;
        self.negotiate(&target, stream, Clock::start()).await
    }

    async fn open(self) -> Result<WebSocket, HandshakeError> {
        let target = Target::parse(&self.url)?;
        let clock = Clock::start();
        let expiry = pin!(expiry(self.config.open_timeout().map(clock::after)));
        let connecting = pin!(TcpStream::connect((target.host(), target.port())));
        let stream = within(expiry, connecting).await?;
        stream.set_nodelay(true)?;
        self.negotiate(&target, Socket::from(stream), clock).await
    }

    /// Runs the handshake; its time began with the clock.
    async fn negotiate<S: Transport>(
        &self,
        target: &Target,
        mut stream: S,
        clock: Clock,
    ) -> Result<WebSocket<S>, HandshakeError> {
        let mut out = Vec::new();
        let deadline = self
            .config
            .open_timeout()
            .map(|timeout| tidewire_common::proto::Instant::START + timeout);
        let mut opening = Opening::new(
            &self.config,
            target,
            &self.options,
            clock.now(),
            deadline,
            &mut out,
        )?;
        let mut expiry = pin!(expiry(deadline.map(|at| clock.to_tokio(at))));
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
                Err(HandshakeError::Timeout) => opening.handle_timeout(clock.now())?,
                Err(error) => return Err(error),
            }
        };
        let (session, rest) = Session::client(&self.config, negotiated, clock.now());
        Ok(WebSocket::new(stream, session, rest, clock))
    }
}

impl IntoFuture for Connect {
    type Output = Result<WebSocket, HandshakeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}
