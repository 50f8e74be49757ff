use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tidewire_common::{Interruptions, MOST_WAITING, ServerControl as _};

use crate::clock;
use crate::control::Control;
use crate::listener::Listener;
use crate::socket::Socket;

/// How often a listener is asked that nothing can be waited on for.
const WITHOUT_FD: Duration = Duration::from_millis(10);

/// All listeners of a server.
pub(crate) struct Listeners {
    /// In the order of their turns.
    list: Vec<Box<dyn Listener>>,
    /// Readable once the server is to stop.
    woken: UnixStream,
    interruptions: Interruptions,
}

impl Listeners {
    pub(crate) fn new(list: Vec<Box<dyn Listener>>, woken: UnixStream) -> io::Result<Self> {
        // Connections come and go between the poll and the call.
        for listener in &list {
            listener.prepare()?;
        }
        Ok(Self {
            list,
            woken,
            interruptions: Interruptions::default(),
        })
    }

    /// Waits for a connection; gives none once the server is to stop.
    pub(crate) fn next(&mut self, control: &Control) -> Option<Socket> {
        while control.is_serving() {
            let waited = match self.accept() {
                Ok(socket) => return Some(socket),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(),
                Err(error) => Err(error),
            };
            if let Err(error) = waited
                && let Some(rest) = self.interruptions.note(&error)
            {
                self.rest(rest);
            }
        }
        None
    }

    /// Gives all who have been accepted by the system but not by us, up to the deadline: those whom closing would reset.
    pub(crate) fn empty(mut self, control: &Control, mut welcome: impl FnMut(Socket)) {
        for _ in 0..MOST_WAITING {
            if control.is_overdue() {
                break;
            }
            match self.accept() {
                Ok(socket) => welcome(socket),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if self.interruptions.note(&error).is_some() => break,
                Err(_) => {}
            }
        }
    }

    /// Accepts nobody for this long, or until the server is to stop.
    pub(crate) fn rest(&self, duration: Duration) {
        let mut woken = [PollFd::new(&self.woken, PollFlags::IN)];
        if poll(&mut woken, clock::to_system(duration).as_ref()).is_err() {
            thread::sleep(duration);
        }
    }

    /// Accepts from whichever listener has a connection; those after it have their turn first at the next one.
    fn accept(&mut self) -> io::Result<Socket> {
        for turn in 0..self.list.len() {
            let accepted = self.list[turn].accept();
            if !matches!(&accepted, Err(error) if error.kind() == ErrorKind::WouldBlock) {
                self.list.rotate_left(turn + 1);
                return accepted.inspect(|_| self.interruptions.end());
            }
        }
        Err(ErrorKind::WouldBlock.into())
    }

    /// Waits until there may be a connection, or the server is to stop.
    fn wait(&self) -> io::Result<()> {
        let listeners = self.list.iter().filter_map(Listener::fd);
        let mut fds: Vec<_> = listeners
            .chain([self.woken.as_fd()])
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let timeout = if fds.len() > self.list.len() {
            None
        } else {
            clock::to_system(WITHOUT_FD)
        };
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
