use std::sync::Arc;

use tidewire_common::{Accepting, Asked, Config, Deflate, HandshakeError, Routes, ServerPolicy, Session};

use crate::clock;
use crate::control::Guest;
use crate::exchange::{self, Arrived};
use crate::transport::Transport;
use crate::websocket::WebSocket;

/// Accepts a WebSocket on a stream that a client opened, with the default settings.
///
/// # Errors
/// As for [`Accept::accept`].
///
/// ```no_run
/// use std::net::TcpListener;
/// use tidewire_blocking::accept;
///
/// let (stream, _) = TcpListener::bind("127.0.0.1:9001")?.accept()?;
/// let mut ws = accept(stream)?;
/// while let Some(message) = ws.recv()? {
///     ws.send(message)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn accept<S: Transport>(stream: S) -> Result<WebSocket<S>, HandshakeError> {
    Accept::new().accept(stream)
}

/// Accepts connections with settings of its own.
///
/// ```no_run
/// use std::net::TcpListener;
/// use tidewire_blocking::{Accept, ServerPolicy};
///
/// let chat = Accept::new().policy(ServerPolicy::default().subprotocols(["chat"])?);
/// let (stream, _) = TcpListener::bind("127.0.0.1:9001")?.accept()?;
/// let ws = chat.accept(stream)?;
/// assert_eq!(ws.subprotocol().as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Accept {
    pub(crate) config: Config,
    pub(crate) policy: ServerPolicy,
    routes: Option<Arc<Routes>>,
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

    /// Refuses requests that take none of these routes.
    pub(crate) fn routes(mut self, routes: Arc<Routes>) -> Self {
        self.routes = Some(routes);
        self
    }

    /// Waits for the client's request and answers it.
    ///
    /// # Errors
    /// [`HandshakeError::Request`] and [`HandshakeError::Declined`] for a request that was refused; the refusal was
    /// sent, and the stream is closed. Otherwise [`HandshakeError::UnexpectedEnd`] and [`HandshakeError::Io`].
    pub fn accept<S: Transport>(&self, stream: S) -> Result<WebSocket<S>, HandshakeError> {
        self.accept_guest(stream, &mut self.begin(), None)
    }

    /// The handshake of a connection that comes now.
    pub(crate) fn begin(&self) -> Accepting<'_> {
        Accepting::new(&self.config, &self.policy, clock::now())
    }

    /// Accepts in a handshake that has begun, unless the server stops whose `guest` it is: that is asked when the stream ends,
    /// which is how a server wakes this thread.
    pub(crate) fn accept_guest<S: Transport>(
        &self,
        stream: S,
        accepting: &mut Accepting<'_>,
        guest: Option<&Guest>,
    ) -> Result<WebSocket<S>, HandshakeError> {
        stream.prepare()?;
        let mut buffer = Vec::new();
        let mut out = Vec::new();
        let result = loop {
            let arrived = exchange::read(&stream, &mut buffer, accepting.poll_timeout())?;
            let input = match arrived {
                Arrived::Bytes => buffer.as_slice(),
                Arrived::Nothing => &[],
                Arrived::End if guest.is_some_and(Guest::is_leaving) => {
                    break Err(accepting.decline(Accepting::SHUTS_DOWN, &mut out));
                }
                Arrived::End => break Err(HandshakeError::UnexpectedEnd),
            };
            match accepting.handle_input(input, &mut out) {
                Ok(None) => {}
                Ok(Some(_)) if !guest.is_none_or(Guest::may_answer) => {
                    break Err(accepting.decline(Accepting::SHUTS_DOWN, &mut out));
                }
                Ok(Some(request)) => {
                    break accepting.answer(request, Asked::Nothing, self.routes.as_deref(), &mut out);
                }
                Err(error) => break Err(error),
            }
            if let Err(error) = accepting.handle_timeout(clock::now(), &mut out) {
                break Err(error);
            }
        };
        match result {
            Ok(negotiated) => {
                exchange::write(&stream, &out, accepting.deadline())?;
                let session = Session::server(&self.config, negotiated, clock::now());
                Ok(WebSocket::new(stream, session)?)
            }
            Err(error) => {
                if let Some(guest) = guest {
                    guest.is_refused();
                }
                exchange::refuse(&stream, &out, accepting.refusal_timeout(clock::now()));
                Err(error)
            }
        }
    }
}
