use std::future::{Future, pending};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;

use tidewire_common::proto::handshake::{InvalidField, Request, Response};
use tidewire_common::{
    Accepting, Asked, Config, Credentials, Deflate, HandshakeError, Routes, ServerPolicy, Session,
};
use tokio::io::AsyncWriteExt;

use crate::asking::Questions;
use crate::clock::Clock;
use crate::stages::{expiry, read, within, write};
use crate::state::Transport;
use crate::websocket::WebSocket;

/// How much input is discarded after a refusal, so that it is not lost in a reset.
const MAX_DISCARDED: usize = 1 << 20;

/// The room for an answer that adds nothing, which has 129 bytes.
const USUAL_ANSWER: usize = 160;

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
    pub(crate) config: Config,
    pub(crate) policy: ServerPolicy,
    routes: Option<Arc<Routes>>,
    pub(crate) questions: Questions,
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

    /// Compresses messages with clients that offer it; [`Deflate::default`] has the settings that suit most.
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.policy = self.policy.deflate(deflate);
        self
    }

    /// Lets `answer` see each request first, as [`ServerPolicy::on_request`] does, but take its time: for a question to a
    /// database, for example. It counts against the time for the handshake, after which the request is refused with 503.
    ///
    /// ```no_run
    /// # async fn is_known(token: Option<String>) -> bool { token.is_some() }
    /// use tidewire_tokio::{Accept, Response};
    ///
    /// let accept = Accept::new().on_request(async |request| {
    ///     let token = request.query().map(str::to_owned);
    ///     if is_known(token).await { None } else { Response::new(403).ok() }
    /// });
    /// # let _ = accept;
    /// ```
    pub fn on_request<F, Fut>(mut self, answer: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<Response>> + Send + 'static,
    {
        self.questions.on_request(answer);
        self
    }

    /// Wants a user and a password (RFC 7617), and asks `is_right`, which may take its time as [`on_request`](Self::on_request)
    /// may; in place of [`ServerPolicy::basic_auth`]. [`Handshake::user`](crate::Handshake::user) tells who it is.
    ///
    /// It is asked only where there are credentials, after both [`on_request`](ServerPolicy::on_request). To compare passwords
    /// it should take as long for a wrong one as for the right one.
    ///
    /// # Errors
    /// [`InvalidField`] for a realm with quotes, backslashes or control characters.
    ///
    /// ```no_run
    /// # async fn is_known(who: &tidewire_tokio::Credentials) -> bool { who.user() == "ada" }
    /// use tidewire_tokio::{Accept, Credentials};
    ///
    /// let accept = Accept::new().basic_auth("chat", async |who: Credentials| is_known(&who).await)?;
    /// # let _ = accept;
    /// # Ok::<(), tidewire_tokio::InvalidField>(())
    /// ```
    pub fn basic_auth<F, Fut>(mut self, realm: &str, is_right: F) -> Result<Self, InvalidField>
    where
        F: Fn(Credentials) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.questions.credentials(realm, is_right)?;
        Ok(self)
    }

    /// Refuses requests that take none of these routes.
    pub(crate) fn routes(mut self, routes: Arc<Routes>) -> Self {
        self.routes = Some(routes);
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
        let clock = Clock::start();
        let mut accepting = self.begin(clock);
        self.accept_until(stream, &mut accepting, clock, pin!(pending::<()>()))
            .await
    }

    /// The handshake of a connection that comes now.
    pub(crate) fn begin(&self, clock: Clock) -> Accepting<'_> {
        Accepting::new(&self.config, &self.policy, clock.now())
    }

    /// As [`accept`](Self::accept) for a handshake that has begun, and refuses with 503 once `stopped`.
    pub(crate) async fn accept_until<S: Transport>(
        &self,
        mut stream: S,
        accepting: &mut Accepting<'_>,
        clock: Clock,
        mut stopped: Pin<&mut (impl Future + Send)>,
    ) -> Result<WebSocket<S>, HandshakeError> {
        let mut expiry = pin!(expiry(accepting.poll_timeout().map(|at| clock.to_tokio(at))));
        let mut out = Vec::with_capacity(USUAL_ANSWER);
        let request = loop {
            let read = {
                let take = |input: &[u8]| match input {
                    [] => Err(HandshakeError::UnexpectedEnd),
                    input => accepting.handle_input(input, &mut out),
                };
                let reading = pin!(read(&mut stream, take));
                tokio::select! {
                    biased;
                    _ = &mut stopped => None,
                    read = within(expiry.as_mut(), reading) => Some(read),
                }
            };
            let request = match read {
                // Nobody is there to be refused.
                Some(Ok(Err(HandshakeError::UnexpectedEnd))) => return Err(HandshakeError::UnexpectedEnd),
                Some(Ok(request)) => request,
                Some(Err(HandshakeError::Timeout(_))) => {
                    accepting.handle_timeout(clock.now(), &mut out).map(|()| None)
                }
                Some(Err(error)) => return Err(error),
                None => Err(accepting.decline(Accepting::SHUTS_DOWN, &mut out)),
            };
            if let Some(request) = request.transpose() {
                break request;
            }
        };
        let answer = match request {
            Ok(request) => {
                let first = |request: &Request| accepting.on_request(request);
                let asked = match self.questions.ask(first, &request, expiry.as_mut(), stopped) {
                    Some(asking) => asking.await,
                    None => Ok(Asked::Nothing),
                };
                match asked {
                    Ok(asked) => accepting.answer(request, asked, self.routes.as_deref(), &mut out),
                    Err(declined) => Err(accepting.decline(declined, &mut out)),
                }
            }
            Err(refused) => Err(refused),
        };
        if answer.is_ok() {
            // Not beside what is taken out of the answer, since the future would have room for both.
            within(expiry, pin!(write(&mut stream, &out))).await?;
        }
        match answer {
            Ok(negotiated) => {
                let (session, rest) = Session::server(&self.config, negotiated, clock.now());
                Ok(WebSocket::new(stream, session, rest, clock))
            }
            Err(refused) => Err(Box::pin(refuse(&mut stream, &out, accepting, clock, refused)).await),
        }
    }
}

/// Sends a refusal, if there is one, and reads until the client has closed: a socket closed with unread input is reset,
/// and the refusal lost. Gives the refusal back. To be boxed, since those who are not refused need no room for it.
pub(crate) async fn refuse<S: Transport>(
    stream: &mut S,
    out: &[u8],
    accepting: &Accepting<'_>,
    clock: Clock,
    refused: HandshakeError,
) -> HandshakeError {
    if out.is_empty() {
        return refused;
    }
    let send = async {
        write(stream, out).await?;
        stream.shutdown().await?;
        let mut discarded = 0;
        while discarded < MAX_DISCARDED {
            match read(stream, <[u8]>::len).await? {
                0 => break,
                len => discarded += len,
            }
        }
        io::Result::Ok(())
    };
    // Best effort: whether the refusal arrives does not change what it says.
    let _ = tokio::time::timeout(accepting.refusal_timeout(clock.now()), send).await;
    refused
}
