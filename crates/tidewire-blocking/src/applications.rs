use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tidewire_common::proto::{CloseCode, CloseFrame, Closed};
use tidewire_common::{
    AfterError, ApplicationError, Callback, Callbacks, Control, Error, HandshakeError, Message,
};

use crate::application::{Application, ApplicationHandle, Called};
use crate::link::Link;
use crate::reconnect::{Reconnect, Step};
use crate::socket::Socket;
use crate::split::Sender;
use crate::websocket::WebSocket;

/// How much may wait for the thread with the callbacks; beyond it, messages wait in their connections, and of pings and
/// pongs nobody is told.
const WAITING: usize = 64;

/// [Applications](Application) whose callbacks are all called on one thread, one after the other.
///
/// ```no_run
/// use tidewire_blocking::{Applications, Error, connect};
///
/// let watch = |url: &'static str| {
///     connect(url).application().on_message(move |_ws, message| {
///         println!("{url}: {message:?}");
///         Ok::<_, Error>(())
///     })
/// };
/// let ended = Applications::new()
///     .application(watch("ws://127.0.0.1:9001/"))
///     .application(watch("ws://127.0.0.1:9002/"))
///     .run();
/// assert_eq!(ended.len(), 2);
/// ```
#[derive(Debug, Default)]
pub struct Applications {
    applications: Vec<Application>,
}

impl Applications {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn application(mut self, application: Application) -> Self {
        self.applications.push(application);
        self
    }

    /// Runs all of them, and calls their callbacks on this thread, until the last has ended; gives how each did, in the order
    /// in which they were added: see [`Application::run`]. One that ends with an error leaves the others alone.
    ///
    /// # Panics
    /// Where a callback does; then all of them are stopped, and their connections are closed with 1011.
    pub fn run(self) -> Vec<Result<(), ApplicationError>> {
        let (tell, told) = sync_channel(WAITING);
        let running = self.applications.into_iter().enumerate();
        let running = running.map(|(number, application)| Running::start(number, application, tell.clone()));
        let running: Vec<_> = running.collect();
        // Those of the threads are left.
        drop(tell);
        serve(running, &told)
    }
}

fn serve(
    mut running: Vec<Running>,
    told: &Receiver<(usize, Occurrence)>,
) -> Vec<Result<(), ApplicationError>> {
    while running.iter().any(|running| running.is_working) {
        let Ok((number, occurrence)) = told.recv() else {
            break;
        };
        if let Some(running) = running.get_mut(number) {
            running.handle(occurrence);
        }
    }
    running.into_iter().map(Running::end).collect()
}

/// What the thread of an application tells that of the callbacks.
enum Occurrence {
    Opened(Sender),
    Message(Message),
    Control(Control),
    /// How the connection was closed, and what it was lost with.
    Closed(Closed, Option<Error>, Next),
    Failed(HandshakeError, Next),
    Over,
    /// Code of the application's on that thread did: a dial, for example.
    Panicked(Box<dyn Any + Send>),
}

/// Whether there is another attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Attempt,
    /// The rules have none.
    Nothing,
    /// It was stopped, which is a good end whatever the connection made of it.
    Stopped,
}

/// An application, on the thread of its callbacks.
struct Running {
    callbacks: Callbacks<Sender, Called>,
    handle: ApplicationHandle,
    current: Option<Sender>,
    /// Its thread has not come to its end.
    is_working: bool,
    result: Result<(), ApplicationError>,
}

impl Running {
    fn start(number: usize, application: Application, tell: SyncSender<(usize, Occurrence)>) -> Self {
        let Application {
            connections,
            callbacks,
            handle,
        } = application;
        let control = if callbacks.want_control() {
            Wanted::Control
        } else {
            Wanted::Messages
        };
        let worker = Worker {
            number,
            tell,
            control,
        };
        let name = "tidewire-application".into();
        let started = thread::Builder::new()
            .name(name)
            .spawn(move || worker.run(connections));
        Self {
            callbacks,
            handle,
            current: None,
            is_working: started.is_ok(),
            result: started
                .map(drop)
                .map_err(|error| ApplicationError::Connect(error.into())),
        }
    }

    fn handle(&mut self, occurrence: Occurrence) {
        let has_failed = self.result.is_err();
        match occurrence {
            Occurrence::Over => self.is_working = false,
            Occurrence::Closed(closed, lost, next) => self.close(closed, lost, next),
            Occurrence::Panicked(panic) => resume_unwind(panic),
            // What was on its way when it ended.
            Occurrence::Opened(_)
            | Occurrence::Message(_)
            | Occurrence::Control(_)
            | Occurrence::Failed(..)
                if has_failed => {}
            Occurrence::Opened(sender) => {
                self.handle.note(Some(sender.clone()));
                self.current = Some(sender.clone());
                let called = self.callbacks.call_open(sender);
                self.conclude(called);
            }
            Occurrence::Message(message) => {
                if let Some(sender) = self.current.clone() {
                    let called = self.callbacks.call_message(sender, message);
                    self.conclude(called);
                }
            }
            Occurrence::Control(control) => {
                if let Some(sender) = self.current.clone() {
                    let called = self.callbacks.call_control(sender, control);
                    self.conclude(called);
                }
            }
            Occurrence::Failed(error, next) => {
                let error = ApplicationError::Connect(error);
                let then = self.callbacks.judge(&error);
                if next == Next::Nothing || then == AfterError::Stop {
                    self.fail(error);
                }
            }
        }
    }

    fn close(&mut self, closed: Closed, lost: Option<Error>, next: Next) {
        self.handle.note(None);
        let was_open = self.current.take().is_some();
        if self.result.is_ok()
            && let Some(error) = lost
        {
            let error = ApplicationError::Connection(error);
            let then = self.callbacks.judge(&error);
            if next == Next::Nothing || then == AfterError::Stop {
                self.fail(error);
            }
        }
        if was_open {
            let called = self.callbacks.call_close(closed);
            self.conclude(called);
        }
    }

    fn conclude(&mut self, called: Option<(Callback, Called)>) {
        let Some((callback, result)) = called else { return };
        if let Err(error) = self.callbacks.conclude(callback, result) {
            self.fail(error);
        }
    }

    /// Ends with an error; the first is the one that is given.
    fn fail(&mut self, error: ApplicationError) {
        if self.result.is_ok() {
            self.result = Err(error);
        }
        self.abandon();
    }

    fn abandon(&self) {
        if let Some(sender) = &self.current {
            // A code that may be sent; and where closing has begun, that is the end of it.
            let _ = sender
                .handle
                .start_closing(CloseFrame::new(CloseCode::INTERNAL_ERROR, "client failed"));
        }
        self.handle.stop();
    }

    fn end(mut self) -> Result<(), ApplicationError> {
        mem::replace(&mut self.result, Ok(()))
    }
}

/// Where a callback panics, nobody is left to run anything.
impl Drop for Running {
    fn drop(&mut self) {
        if self.is_working {
            self.handle.note(None);
            self.abandon();
        }
    }
}

/// Whether pings and pongs are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Messages,
    Control,
}

/// The thread of an application, which connects and receives.
struct Worker {
    number: usize,
    tell: SyncSender<(usize, Occurrence)>,
    control: Wanted,
}

impl Worker {
    fn run(&self, connections: Reconnect) {
        // Nothing of it is used after a panic, which goes on in the thread of the callbacks.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work(connections))) {
            let _ = self.tell(Occurrence::Panicked(panic));
        }
    }

    fn work(&self, mut connections: Reconnect) {
        loop {
            let told = match connections.step() {
                Step::Open(ws) => self.receive(&mut connections, ws),
                Step::Failed(error, next_in) => {
                    let next = next_in.map_or(Next::Nothing, |_| Next::Attempt);
                    self.tell(Occurrence::Failed(error, next))
                }
                Step::Over => {
                    let _ = self.tell(Occurrence::Over);
                    return;
                }
            };
            if told.is_err() {
                return;
            }
        }
    }

    /// Tells all of a connection.
    fn receive(&self, connections: &mut Reconnect, ws: WebSocket) -> Result<(), Gone> {
        let link = ws.link().clone();
        let _leaves = connections.close_on_stop(&link);
        if self.control == Wanted::Control {
            self.watch(&link);
        }
        let (sender, mut receiver) = ws.split();
        self.tell(Occurrence::Opened(sender))?;
        let lost = loop {
            match receiver.recv() {
                Ok(Some(message)) => self.tell(Occurrence::Message(message))?,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let closed = link.wait_closed();
        let next = if connections.is_stopped() {
            connections.end();
            Next::Stopped
        } else if connections.go_on() {
            Next::Attempt
        } else {
            Next::Nothing
        };
        self.tell(Occurrence::Closed(closed, lost, next))
    }

    fn watch(&self, link: &Arc<Link<Socket>>) {
        let (number, tell) = (self.number, self.tell.clone());
        link.lock().session.watch_control(move |control| {
            // Where there is no room, nobody keeps up.
            let _ = tell.try_send((number, Occurrence::Control(control)));
        });
    }

    fn tell(&self, occurrence: Occurrence) -> Result<(), Gone> {
        self.tell.send((self.number, occurrence)).map_err(|_| Gone)
    }
}

/// Nobody calls back any more.
struct Gone;
