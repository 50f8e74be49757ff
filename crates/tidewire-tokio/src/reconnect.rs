use std::fmt;
use std::future::{Future, IntoFuture as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use tidewire_common::proto::{CloseFrame, Closed, Instant, Phase};
use tidewire_common::{Attempts, HandshakeError, OnStop, ReconnectEvent, Retry, StopToken, Stopped};
use tokio::time::{Sleep, sleep_until, timeout};

use crate::clock::Clock;
use crate::connect::Connect;
use crate::shared::Shared;
use crate::socket::Socket;
use crate::traced::traced;
use crate::wakers::ToWake;
use crate::websocket::WebSocket;

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Dial = Arc<dyn Fn() -> Pending<io::Result<Socket>> + Send + Sync>;
type Renew = Arc<dyn Fn(Connect) -> Pending<io::Result<Connect>> + Send + Sync>;

impl Connect {
    /// Connects again and again: see [`Reconnect`].
    pub fn reconnect(self) -> Reconnect {
        Reconnect::new(self)
    }
}

/// Connections one after the other: whenever another one is asked for, attempts are made until one succeeds.
///
/// What fails for a while is tried again after a random delay, which grows: [`Retry`] has the rules. The first attempt begins at
/// once; the delay also stands between a connection and the next, so that the clients of a server which ends do not come
/// back all together.
///
/// Connections are taken one by one, by [`next`](Self::next) or as a `Stream`, or a loop of ours runs a handler with each:
/// [`run`](Self::run).
///
/// ```no_run
/// use tidewire_tokio::{HandshakeError, connect};
///
/// # async fn example() -> Result<(), HandshakeError> {
/// let mut connections = connect("ws://localhost:9001").reconnect();
/// while let Some(ws) = connections.next().await {
///     let mut ws = ws?;
///     while let Ok(Some(message)) = ws.recv().await {
///         println!("{message:?}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Reconnect {
    connect: Connect,
    renew: Option<Renew>,
    dial: Option<Dial>,
    attempts: Attempts,
    stop: StopToken,
    stopped: Stopped,
    /// Passes the stop of another token on.
    chain: Option<OnStop>,
    on_event: Box<dyn FnMut(ReconnectEvent<'_>) + Send>,
    clock: Clock,
    stage: Stage,
}

enum Stage {
    Begins,
    Connects(Pending<Result<WebSocket, HandshakeError>>),
    Waits(Pin<Box<Sleep>>),
    Open(Arc<Shared<Socket>>),
    Over,
}

/// What became of an attempt.
pub(crate) enum Step {
    Open(WebSocket),
    /// There is another one, unless there is no delay.
    Failed(HandshakeError, Option<Duration>),
    /// There are no more.
    Over,
}

impl Reconnect {
    /// Starts from the default rules.
    pub fn new(connect: Connect) -> Self {
        let stop = StopToken::new();
        Self {
            connect,
            renew: None,
            dial: None,
            attempts: Attempts::new(Retry::default()),
            stopped: stop.stopped(),
            stop,
            chain: None,
            on_event: Box::new(|_| ()),
            clock: Clock::start(),
            stage: Stage::Begins,
        }
    }

    /// Sets after which failures, how often and how much later it is tried again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.attempts.set_retry(retry);
        self
    }

    /// Has a token end it: a delay or an attempt is broken off, and there are no more connections. One that is open goes on,
    /// except in [`run`](Self::run).
    pub fn stop_token(mut self, token: StopToken) -> Self {
        self.stopped = token.stopped();
        self.stop = token;
        self
    }

    /// Has `on_event` told what happens, while [`next`](Self::next) or [`run`](Self::run) is awaited. It is not to wait for
    /// anything.
    pub fn on_event(mut self, on_event: impl FnMut(ReconnectEvent<'_>) + Send + 'static) -> Self {
        self.on_event = Box::new(on_event);
        self
    }

    /// Has `renew` change what was set for each attempt, the first included: to show a token that is still good, for example. It
    /// is given what was set at first. What it fails with counts as [`HandshakeError::Io`], and it has as much time as the
    /// handshake.
    ///
    /// ```no_run
    /// use tidewire_tokio::{Connect, connect};
    ///
    /// let connections = connect("wss://example.com/feed")
    ///     .reconnect()
    ///     .renew(async |connect: Connect| Ok(connect.bearer_auth(fresh_token().await?)));
    /// # let _ = connections;
    /// # async fn fresh_token() -> std::io::Result<String> { Ok(String::new()) }
    /// ```
    pub fn renew<F, Fut>(mut self, renew: F) -> Self
    where
        F: Fn(Connect) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<Connect>> + Send + 'static,
    {
        self.renew = Some(Arc::new(move |connect| Box::pin(renew(connect))));
        self
    }

    /// Opens each connection over a byte stream that `dial` gives, which leads to the server. What it fails with counts as
    /// [`HandshakeError::Io`], and it has as much time as the handshake.
    ///
    /// ```no_run
    /// use tidewire_tokio::{Socket, connect};
    /// use tokio::net::UnixStream;
    ///
    /// let connections = connect("ws://localhost/")
    ///     .reconnect()
    ///     .over(async || Ok(Socket::from(UnixStream::connect("/run/chat.sock").await?)));
    /// # let _ = connections;
    /// ```
    pub fn over<F, Fut>(mut self, dial: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<Socket>> + Send + 'static,
    {
        self.dial = Some(Arc::new(move || Box::pin(dial())));
        self
    }

    /// Gives the next connection, once there is one; `None` after a stop, and after an error.
    ///
    /// Connections that were given before are the caller's: what is still open stays so.
    ///
    /// # Errors
    /// The error of an attempt that is the last, since it will not do better or enough have failed.
    ///
    /// # Cancel safety
    /// Safe: the next call goes on with the delay or the attempt where it was.
    pub async fn next(&mut self) -> Option<Result<WebSocket, HandshakeError>> {
        poll_fn(|cx| self.poll_opened(cx)).await
    }

    /// Runs `handler` with one connection after the other, each driven in this task as by
    /// [`WebSocket::run`](crate::WebSocket::run).
    ///
    /// When the handler returns while the connection is open, that is the end, with its result. Where the connection was closed
    /// before, cleanly or not, [`Retry::reconnect_if`] decides whether there is another: by default unless the first Close was
    /// one of 1000. If there is none, the handler's result is the end, too; otherwise it does not count. A stop closes the
    /// connection with 1000, waits for the handler, and ends the loop well.
    ///
    /// ```no_run
    /// use tidewire_tokio::{Error, ReconnectEvent, WebSocket, connect};
    ///
    /// # async fn example() -> Result<(), Error> {
    /// connect("ws://localhost:9001")
    ///     .reconnect()
    ///     .on_event(|event: ReconnectEvent| eprintln!("{event:?}"))
    ///     .run(async |mut ws: WebSocket| {
    ///         while let Some(message) = ws.recv().await? {
    ///             ws.send(message).await?;
    ///         }
    ///         Ok::<_, Error>(())
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// The handler's, where that failed with its connection open, or where there is no other connection; as for
    /// [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Dropping the future drops the handler and aborts the connection.
    ///
    /// # Panics
    /// Where the handler does.
    pub async fn run<H, Fut, E>(mut self, mut handler: H) -> Result<(), E>
    where
        H: FnMut(WebSocket) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: From<HandshakeError>,
    {
        while let Some(ws) = self.next().await {
            let ws = ws?;
            let connection = ws.handle.shared().clone();
            let _leaves = self.close_on_stop(&connection);
            let (result, phase) = run(ws, &mut handler).await;
            if phase == Phase::Open {
                self.end();
                return result;
            }
            if self.stop.is_stopped() {
                self.end();
                break;
            }
            if !self.go_on() {
                return result;
            }
        }
        Ok(())
    }

    /// Has the connection closed when this is stopped.
    pub(crate) fn close_on_stop(&self, connection: &Arc<Shared<Socket>>) -> OnStop {
        let connection = connection.clone();
        self.stop.on_stop(move || {
            connection.with(|state| {
                state.progress.to_wake |= ToWake::DRIVER;
                state.close(CloseFrame::new(1000, ""));
            });
        })
    }

    /// Begins to wait where there is to be a connection after the one that has ended; tells whether there is.
    pub(crate) fn go_on(&mut self) -> bool {
        let Stage::Open(connection) = &self.stage else {
            return false;
        };
        let closed = closed(connection).unwrap_or_default();
        if self.attempts.go_on_after(&closed) {
            self.wait_after(Some(&closed));
            true
        } else {
            self.end();
            false
        }
    }

    /// Ends it after a connection.
    pub(crate) fn end(&mut self) {
        if let Stage::Open(connection) = &self.stage {
            (self.on_event)(ReconnectEvent::Closed {
                closed: closed(connection).as_ref(),
                next_in: None,
            });
        }
        self.stage = Stage::Over;
    }

    /// Gives it a token that stops nothing else, and that its own stops, too.
    pub(crate) fn with_token_of_its_own(mut self) -> (Self, StopToken) {
        let token = StopToken::new();
        let stopped = token.clone();
        self.chain = Some(self.stop.on_stop(move || stopped.stop()));
        (self.stop_token(token.clone()), token)
    }

    fn poll_opened(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<WebSocket, HandshakeError>>> {
        loop {
            match ready!(self.poll_step(cx)) {
                Step::Open(ws) => return Poll::Ready(Some(Ok(ws))),
                Step::Failed(_, Some(_)) => {}
                Step::Failed(error, None) => return Poll::Ready(Some(Err(error))),
                Step::Over => return Poll::Ready(None),
            }
        }
    }

    /// Goes on to the end of the next attempt.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if Pin::new(&mut self.stopped).poll(cx).is_ready() {
                self.end();
            }
            match &mut self.stage {
                Stage::Begins => self.begin(),
                Stage::Open(connection) => {
                    let closed = closed(connection);
                    self.wait_after(closed.as_ref());
                }
                Stage::Waits(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.begin();
                }
                Stage::Connects(connecting) => {
                    let step = match ready!(connecting.as_mut().poll(cx)) {
                        Ok(ws) => self.open(ws),
                        Err(error) => self.fail(error),
                    };
                    return Poll::Ready(step);
                }
                Stage::Over => return Poll::Ready(Step::Over),
            }
        }
    }

    fn begin(&mut self) {
        (self.on_event)(ReconnectEvent::Connecting {
            attempt: self.attempts.number(),
        });
        let (connect, dial) = (self.connect.clone(), self.dial.clone());
        self.stage = Stage::Connects(match self.renew.clone() {
            None => open(connect, dial),
            Some(renew) => Box::pin(async move {
                let time = connect.config.open_timeout();
                let connect = in_time(time, renew(connect)).await?;
                open(connect, dial).await
            }),
        });
    }

    fn open(&mut self, ws: WebSocket) -> Step {
        self.attempts.handle_open(self.clock.now());
        self.stage = Stage::Open(ws.handle.shared().clone());
        (self.on_event)(ReconnectEvent::Open);
        Step::Open(ws)
    }

    fn fail(&mut self, error: HandshakeError) -> Step {
        let now = self.clock.now();
        let next_in = self.attempts.handle_failure(now, &error);
        self.stage = match next_in {
            Some(delay) => self.wait_until(now + delay),
            None => Stage::Over,
        };
        (self.on_event)(ReconnectEvent::Failed {
            error: &error,
            next_in,
        });
        Step::Failed(error, next_in)
    }

    /// Waits after a connection.
    fn wait_after(&mut self, closed: Option<&Closed>) {
        let now = self.clock.now();
        let delay = self.attempts.handle_end(now);
        self.stage = self.wait_until(now + delay);
        let next_in = Some(delay);
        (self.on_event)(ReconnectEvent::Closed { closed, next_in });
    }

    fn wait_until(&self, at: Instant) -> Stage {
        Stage::Waits(Box::pin(sleep_until(self.clock.to_tokio(at))))
    }
}

/// Runs a handler; tells how the connection stood when it returned.
pub(crate) async fn run<T, E, F: Future<Output = Result<T, E>>>(
    ws: WebSocket,
    handler: impl FnOnce(WebSocket) -> F,
) -> (Result<T, E>, Phase) {
    let connection = ws.handle.shared().clone();
    let look = || connection.with(|state| state.session.phase());
    let mut phase = look();
    let handling = |ws| {
        let handling = handler(ws);
        async {
            let result = handling.await;
            phase = look();
            result
        }
    };
    let result = ws.run(handling).await;
    (result, phase)
}

fn closed(connection: &Shared<Socket>) -> Option<Closed> {
    connection.with(|state| state.session.closed().cloned())
}

fn open(connect: Connect, dial: Option<Dial>) -> Pending<Result<WebSocket, HandshakeError>> {
    match dial {
        None => connect.into_future(),
        Some(dial) => Box::pin(async move {
            let stream = in_time(connect.config.open_timeout(), dial()).await?;
            connect
                .over(traced(stream, connect.settings.trace.as_ref()))
                .await
        }),
    }
}

/// Waits for what the application does for an attempt.
async fn in_time<T>(
    time: Option<Duration>,
    doing: impl Future<Output = io::Result<T>>,
) -> Result<T, HandshakeError> {
    let done = timeout(time.unwrap_or(Duration::MAX), doing).await;
    Ok(done.map_err(|_| HandshakeError::TIMEOUT)??)
}

/// Gives what [`next`](Reconnect::next) does.
impl Stream for Reconnect {
    type Item = Result<WebSocket, HandshakeError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_opened(cx)
    }
}

impl fmt::Debug for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("connect", &self.connect)
            .field("attempts", &self.attempts)
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}
