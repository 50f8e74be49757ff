//! The two sides of the opening handshake over a byte stream.

use std::future::{Future, IntoFuture, pending};
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use tidewire_common::{
    Accepting, ClientOptions, Config, HandshakeError, Negotiated, Opening, ServerPolicy, Session, Target,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use crate::clock::{self, Clock};
use crate::state::Transport;
use crate::websocket::WebSocket;

/// How much input is discarded after a refusal, so that it is not lost in a reset.
const MAX_DISCARDED: usize = 1 << 20;
/// How much of a head is read at once.
const READ: usize = 4 * 1024;

/// Answers the opening handshake of a client on any byte stream, with the default settings.
///
/// # Errors
/// [`HandshakeError::Request`] where the client breaks a rule, and others; the refusal was sent.
///
/// # Cancel safety
/// Dropping the future drops the stream; nothing else is left behind.
pub async fn accept<S: Transport>(stream: S) -> Result<WebSocket<S>, HandshakeError> {
    Accept::new().accept(stream).await
}

/// Answers opening handshakes with settings of its own.
///
/// ```no_run
/// # async fn example(stream: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// use tidewire_tokio::{Accept, ServerPolicy};
///
/// let policy = ServerPolicy::default().subprotocols(["chat.v2", "chat.v1"])?;
/// let ws = Accept::new().policy(policy).accept(stream).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Accept {
    config: Config,
    policy: ServerPolicy,
}

impl Accept {
    /// Starts from the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets limits, deadlines and queues.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets what is wanted of clients.
    pub fn policy(mut self, policy: ServerPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Answers the handshake of the client on this stream.
    ///
    /// # Errors
    /// As for [`accept`].
    ///
    /// # Cancel safety
    /// As for [`accept`].
    pub async fn accept<S: Transport>(&self, stream: S) -> Result<WebSocket<S>, HandshakeError> {
        self.accept_until(stream, pending::<()>()).await
    }

    /// As [`accept`](Self::accept), and refuses with 503 once `stopped`.
    pub(crate) async fn accept_until<S: Transport>(
        &self,
        mut stream: S,
        stopped: impl Future,
    ) -> Result<WebSocket<S>, HandshakeError> {
        let clock = Clock::start();
        let negotiated = self.negotiate(&mut stream, clock, stopped).await?;
        let (session, rest) = Session::server(&self.config, negotiated, clock.now());
        Ok(WebSocket::new(stream, session, rest, clock))
    }

    async fn negotiate<S: Transport>(
        &self,
        stream: &mut S,
        clock: Clock,
        stopped: impl Future,
    ) -> Result<Negotiated, HandshakeError> {
        let mut stopped = pin!(stopped);
        let mut accepting = Accepting::new(&self.config, self.policy.clone(), clock.now());
        let deadline = accepting.poll_timeout().map(|at| clock.to_tokio(at));
        let mut out = Vec::new();
        let negotiated = loop {
            let input = tokio::select! {
                input = within(deadline, read(stream)) => input,
                _ = &mut stopped => {
                    let refused = accepting.decline(503, "server shuts down\n", &mut out);
                    return Err(refuse(stream, &out, accepting.refusal_timeout(clock.now()), refused).await);
                }
            };
            let answer = match input {
                Ok(input) if input.is_empty() => return Err(HandshakeError::UnexpectedEnd),
                Ok(input) => accepting.handle_input(&input, &mut out),
                Err(HandshakeError::Timeout) => {
                    accepting.handle_timeout(clock.now(), &mut out).map(|()| None)
                }
                Err(error) => return Err(error),
            };
            match answer {
                Ok(Some(negotiated)) => break negotiated,
                Ok(None) => {}
                Err(refused) => {
                    return Err(refuse(stream, &out, accepting.refusal_timeout(clock.now()), refused).await);
                }
            }
        };
        within(deadline, write(stream, &out)).await?;
        Ok(negotiated)
    }
}

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
    url: String,
    config: Config,
    options: ClientOptions,
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

    async fn open(self) -> Result<WebSocket<TcpStream>, HandshakeError> {
        let target = Target::parse(&self.url)?;
        let clock = Clock::start();
        let deadline = self.config.open_timeout().map(clock::after);
        let stream = within(deadline, TcpStream::connect((target.host(), target.port()))).await?;
        stream.set_nodelay(true)?;
        self.negotiate(&target, stream, clock).await
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
        let deadline = deadline.map(|at| clock.to_tokio(at));
        within(deadline, write(&mut stream, &out)).await?;
        let negotiated = loop {
            match within(deadline, read(&mut stream)).await {
                Ok(input) if input.is_empty() => opening.handle_end()?,
                Ok(input) => {
                    if let Some(negotiated) = opening.handle_input(&input)? {
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
    type Output = Result<WebSocket<TcpStream>, HandshakeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

/// Runs `work` up to the deadline.
async fn within<T>(
    deadline: Option<tokio::time::Instant>,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, HandshakeError> {
    match deadline {
        Some(deadline) => Ok(timeout_at(deadline, work)
            .await
            .map_err(|_| HandshakeError::Timeout)??),
        None => Ok(work.await?),
    }
}

/// Reads what is there; nothing at the end.
async fn read<S: Transport>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut input = Vec::with_capacity(READ);
    stream.read_buf(&mut input).await?;
    Ok(input)
}

async fn write<S: Transport>(stream: &mut S, out: &[u8]) -> io::Result<()> {
    stream.write_all(out).await?;
    stream.flush().await
}

/// Sends a refusal, and reads until the client has closed: a socket closed with unread input is reset, and the
/// refusal lost. Gives the refusal back.
async fn refuse<S: Transport>(
    stream: &mut S,
    out: &[u8],
    timeout: Duration,
    refused: HandshakeError,
) -> HandshakeError {
    let send = async {
        write(stream, out).await?;
        stream.shutdown().await?;
        let mut discarded = 0;
        while discarded < MAX_DISCARDED {
            match read(stream).await?.len() {
                0 => break,
                len => discarded += len,
            }
        }
        io::Result::Ok(())
    };
    // Best effort: whether the refusal arrives does not change what it says.
    let _ = tokio::time::timeout(timeout, send).await;
    refused
}
