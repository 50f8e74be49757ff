use std::future::{Future, pending};
use std::io;
use std::pin::pin;
use std::time::Duration;

use tidewire_common::{Accepting, Config, Deflate, HandshakeError, Negotiated, ServerPolicy, Session};
use tokio::io::AsyncWriteExt;

use crate::clock::Clock;
use crate::stages::{read, within, write};
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

    /// Compresses messages with clients that offer it; [`Deflate::default`] has the settings that suit most.
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.policy = self.policy.deflate(deflate);
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
        let mut out = Vec::with_capacity(USUAL_ANSWER);
        let negotiated = loop {
            let mut take = |input: &[u8]| match input {
                [] => Err(HandshakeError::UnexpectedEnd),
                input => accepting.handle_input(input, &mut out),
            };
            let answer = tokio::select! {
                biased;
                answer = within(deadline, read(stream, &mut take)) => answer,
                _ = &mut stopped => {
                    let refused = accepting.decline(503, "server shuts down\n", &mut out);
                    return Err(Box::pin(refuse(stream, &out, accepting.refusal_timeout(clock.now()), refused)).await);
                }
            };
            let answer = match answer {
                // Nobody is there to be refused.
                Ok(Err(HandshakeError::UnexpectedEnd)) => return Err(HandshakeError::UnexpectedEnd),
                Ok(answer) => answer,
                Err(HandshakeError::Timeout) => {
                    accepting.handle_timeout(clock.now(), &mut out).map(|()| None)
                }
                Err(error) => return Err(error),
            };
            match answer {
                Ok(Some(negotiated)) => break negotiated,
                Ok(None) => {}
                Err(refused) => {
                    return Err(Box::pin(refuse(
                        stream,
                        &out,
                        accepting.refusal_timeout(clock.now()),
                        refused,
                    ))
                    .await);
                }
            }
        };
        within(deadline, write(stream, &out)).await?;
        Ok(negotiated)
    }
}

/// Sends a refusal, and reads until the client has closed: a socket closed with unread input is reset, and the
/// refusal lost. Gives the refusal back. To be boxed, since those who are not refused need no room for it.
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
            match read(stream, <[u8]>::len).await? {
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
