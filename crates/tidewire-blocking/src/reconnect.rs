use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tidewire_common::proto::{CloseFrame, Closed, Instant, Phase};
use tidewire_common::{Attempts, HandshakeError, OnStop, ReconnectEvent, Retry, StopToken};

use crate::clock;
use crate::connect::Connect;
use crate::link::Link;
use crate::socket::Socket;
use crate::traced::traced;
use crate::websocket::WebSocket;

type Dial = Arc<dyn Fn() -> io::Result<Socket> + Send + Sync>;
type Renew = Arc<dyn Fn(Connect) -> io::Result<Connect> + Send + Sync>;
type Opened = Result<WebSocket, HandshakeError>;

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
/// Connections are taken one by one, by iteration, or a loop of ours runs a handler with each: [`run`](Self::run). Each
/// attempt has a thread of its own, which is left to itself when a [token](Self::stop_token) stops it.
///
/// ```no_run
/// use tidewire_blocking::{HandshakeError, connect};
///
/// for ws in connect("ws://127.0.0.1:9001/").reconnect() {
///     let mut ws = ws?;
///     while let Ok(Some(message)) = ws.recv() {
///         println!("{message:?}");
///     }
/// }
/// # Ok::<(), HandshakeError>(())
/// ```
pub struct Reconnect {
    connect: Connect,
    renew: Option<Renew>,
    dial: Option<Dial>,
    attempts: Attempts,
    stop: StopToken,
    /// Passes the stop of another token on.
    chain: Option<OnStop>,
    on_event: Box<dyn FnMut(ReconnectEvent<'_>) + Send>,
    stage: Stage,
}

enum Stage {
    Begins,
    Waits(Instant),
    Open(Arc<Link<Socket>>),
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
        Self {
            connect,
            renew: None,
            dial: None,
            attempts: Attempts::new(Retry::default()),
            stop: StopToken::new(),
            chain: None,
            on_event: Box::new(|_| ()),
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
        self.stop = token;
        self
    }

    /// Has `on_event` told what happens, on the thread that asks for a connection or [runs](Self::run); with an
    /// [`Application`](crate::Application), on the thread that receives for it.
    pub fn on_event(mut self, on_event: impl FnMut(ReconnectEvent<'_>) + Send + 'static) -> Self {
        self.on_event = Box::new(on_event);
        self
    }

    /// Has `renew` change what was set for each attempt, the first included: to show a token that is still good, for example. It
    /// is given what was set at first. What it fails with counts as [`HandshakeError::Io`]; how long it may take is its own
    /// affair.
    ///
    /// ```no_run
    /// use tidewire_blocking::connect;
    ///
    /// let connections = connect("wss://example.com/feed")
    ///     .reconnect()
    ///     .renew(|connect| Ok(connect.bearer_auth(fresh_token()?)));
    /// # let _ = connections;
    /// # fn fresh_token() -> std::io::Result<String> { Ok(String::new()) }
    /// ```
    pub fn renew(mut self, renew: impl Fn(Connect) -> io::Result<Connect> + Send + Sync + 'static) -> Self {
        self.renew = Some(Arc::new(renew));
        self
    }

    /// Opens each connection over a byte stream that `dial` gives, which leads to the server. What it fails with counts as
    /// [`HandshakeError::Io`]; how long it may take is its own affair.
    ///
    /// ```no_run
    /// use std::os::unix::net::UnixStream;
    /// use tidewire_blocking::{Socket, connect};
    ///
    /// let connections = connect("ws://localhost/")
    ///     .reconnect()
    ///     .over(|| Ok(Socket::from(UnixStream::connect("/run/chat.sock")?)));
    /// # let _ = connections;
    /// ```
    pub fn over(mut self, dial: impl Fn() -> io::Result<Socket> + Send + Sync + 'static) -> Self {
        self.dial = Some(Arc::new(dial));
        self
    }

    /// Runs `handler` with one connection after the other on this thread, each as by
    /// [`WebSocket::run`](crate::WebSocket::run).
    ///
    /// When the handler returns while the connection is open, that is the end, with its result. Where the connection was closed
    /// before, cleanly or not, [`Retry::reconnect_if`] decides whether there is another: by default unless the first Close was
    /// one of 1000. If there is none, the handler's result is the end, too; otherwise it does not count. A stop closes the
    /// connection with 1000, waits for the handler, and ends the loop well.
    ///
    /// ```no_run
    /// use tidewire_blocking::{Error, ReconnectEvent, connect};
    ///
    /// connect("ws://127.0.0.1:9001/")
    ///     .reconnect()
    ///     .on_event(|event: ReconnectEvent| eprintln!("{event:?}"))
    ///     .run(|mut ws| {
    ///         while let Some(message) = ws.recv()? {
    ///             ws.send(message)?;
    ///         }
    ///         Ok::<_, Error>(())
    ///     })?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// The handler's, where that failed with its connection open, or where there is no other connection; the error of an
    /// attempt that is the last, since it will not do better or enough have failed.
    ///
    /// # Panics
    /// Where the handler does.
    pub fn run<E>(mut self, mut handler: impl FnMut(WebSocket) -> Result<(), E>) -> Result<(), E>
    where
        E: From<HandshakeError>,
    {
        while let Some(ws) = self.next() {
            let ws = ws?;
            let link = ws.link().clone();
            let _leaves = self.close_on_stop(&link);
            let mut phase = Phase::Open;
            let result = ws.run(|ws| {
                let result = handler(ws);
                phase = link.lock().session.phase();
                result
            });
            if phase == Phase::Open {
                self.end();
                return result;
            }
            if self.is_stopped() {
                self.end();
                break;
            }
            if !self.go_on() {
                return result;
            }
        }
        Ok(())
    }

    /// Whether it was stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Has the connection closed when this is stopped.
    pub(crate) fn close_on_stop(&self, link: &Arc<Link<Socket>>) -> OnStop {
        let link = link.clone();
        self.stop.on_stop(move || {
            // Where closing has begun already, that is the end of it.
            let _ = link.start_closing(CloseFrame::new(1000, ""));
        })
    }

    /// Begins to wait where there is to be a connection after the one that has ended; tells whether there is.
    pub(crate) fn go_on(&mut self) -> bool {
        let Stage::Open(link) = &self.stage else {
            return false;
        };
        let closed = closed(link).unwrap_or_default();
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
        if let Stage::Open(link) = &self.stage {
            (self.on_event)(ReconnectEvent::Closed {
                closed: closed(link).as_ref(),
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

    /// Goes on to the end of the next attempt.
    pub(crate) fn step(&mut self) -> Step {
        let progress = Arc::new(Progress::default());
        let stopped = progress.clone();
        let _stops = self
            .stop
            .on_stop(move || stopped.change(|news| news.is_stopped = true));
        if self.is_stopped() {
            self.end();
        }
        if let Stage::Open(link) = &self.stage {
            let closed = closed(link);
            self.wait_after(closed.as_ref());
        }
        let deadline = match &self.stage {
            Stage::Waits(at) => Some(*at),
            Stage::Begins => None,
            Stage::Open(_) | Stage::Over => return Step::Over,
        };
        if let Some(deadline) = deadline {
            progress.wait(Some(deadline), |_| None::<()>);
        }
        if self.is_stopped() {
            self.end();
            return Step::Over;
        }
        (self.on_event)(ReconnectEvent::Connecting {
            attempt: self.attempts.number(),
        });
        let opened = match self.begin(&progress) {
            Ok(()) => progress.wait(None, |news| news.opened.take()),
            Err(error) => Some(Ok(Err(error.into()))),
        };
        match opened {
            None => {
                self.end();
                Step::Over
            }
            Some(Ok(Ok(ws))) => self.open(ws),
            Some(Ok(Err(error))) => self.fail(error),
            Some(Err(panic)) => resume_unwind(panic),
        }
    }

    /// Starts an attempt in a thread of its own, since nothing else could be broken off.
    fn begin(&self, progress: &Arc<Progress>) -> io::Result<()> {
        let (connect, renew) = (self.connect.clone(), self.renew.clone());
        let (dial, progress) = (self.dial.clone(), progress.clone());
        let attempt = move || {
            // Whatever an application's code was at, it goes on in the other thread as a panic.
            let opened = catch_unwind(AssertUnwindSafe(|| {
                let connect = match renew {
                    None => connect,
                    Some(renew) => renew(connect)?,
                };
                match dial {
                    None => connect.open(),
                    Some(dial) => connect.over(traced(dial()?, connect.settings.trace.as_ref())),
                }
            }));
            progress.change(|news| news.opened = Some(opened));
        };
        let name = "tidewire-connect".into();
        thread::Builder::new().name(name).spawn(attempt).map(drop)
    }

    fn open(&mut self, ws: WebSocket) -> Step {
        self.attempts.handle_open(clock::now());
        self.stage = Stage::Open(ws.link().clone());
        (self.on_event)(ReconnectEvent::Open);
        Step::Open(ws)
    }

    fn fail(&mut self, error: HandshakeError) -> Step {
        let now = clock::now();
        let next_in = self.attempts.handle_failure(now, &error);
        self.stage = next_in.map_or(Stage::Over, |delay| Stage::Waits(now + delay));
        (self.on_event)(ReconnectEvent::Failed {
            error: &error,
            next_in,
        });
        Step::Failed(error, next_in)
    }

    /// Waits after a connection.
    fn wait_after(&mut self, closed: Option<&Closed>) {
        let now = clock::now();
        let delay = self.attempts.handle_end(now);
        self.stage = Stage::Waits(now + delay);
        let next_in = Some(delay);
        (self.on_event)(ReconnectEvent::Closed { closed, next_in });
    }
}

fn closed(link: &Link<Socket>) -> Option<Closed> {
    link.lock().session.closed().cloned()
}

/// Gives the next connection, once there is one. Ends after a stop, and after the error of an attempt that is the last, since
/// it will not do better or enough have failed.
///
/// Connections that were given before are the caller's: what is still open stays so.
impl Iterator for Reconnect {
    type Item = Result<WebSocket, HandshakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Step::Open(ws) => return Some(Ok(ws)),
                Step::Failed(_, Some(_)) => {}
                Step::Failed(error, None) => return Some(Err(error)),
                Step::Over => return None,
            }
        }
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

/// What a thread that waits for a delay or an attempt is told by others.
#[derive(Default)]
struct Progress {
    news: Mutex<News>,
    changed: Condvar,
}

#[derive(Default)]
struct News {
    is_stopped: bool,
    /// What became of the attempt, unless it panicked.
    opened: Option<thread::Result<Opened>>,
}

impl Progress {
    fn change(&self, change: impl FnOnce(&mut News)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits for what `take` finds; `None` at the deadline and after a stop.
    fn wait<T>(&self, deadline: Option<Instant>, mut take: impl FnMut(&mut News) -> Option<T>) -> Option<T> {
        let mut news = self.lock();
        let found = loop {
            let left = clock::left(deadline);
            let found = take(&mut news);
            if found.is_some() || news.is_stopped || left.is_some_and(|left| left.is_zero()) {
                break found;
            }
            news = clock::wait(&self.changed, news, left);
        };
        drop(news);
        clock::rest();
        found
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
