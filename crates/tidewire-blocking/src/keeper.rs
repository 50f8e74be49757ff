//! One thread for the process, which looks after connections whose own threads are elsewhere.
//!
//! It waits with `poll`, which takes file descriptors by safe borrows: an interest that outlives the call, as epoll
//! has it, cannot be had without `unsafe`. Connections whose thread waits in `recv` are not in its list of
//! descriptors, so the list is short where it matters.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tidewire_common::proto::{Inbox, Instant};
use tracing::{error, warn};

use crate::clock;
use crate::link::KEEPER_BUFFER;

/// How long waiting for descriptors rests after it failed.
const POLL_REST: Duration = Duration::from_millis(50);

/// A connection that the keeper looks after.
pub(crate) trait Kept: Send + Sync {
    /// Does what can be done without waiting.
    fn look(self: Arc<Self>, buffer: &mut Inbox) -> Look;

    /// Ends the connection, whose transport panicked at a look.
    fn give_up(self: Arc<Self>);

    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// When to look again.
pub(crate) enum Look {
    Again {
        at: Option<Instant>,
        /// As soon as input has arrived.
        input: bool,
        /// As soon as output can leave.
        output: bool,
    },
    /// Not until asked to.
    Done,
}

/// The way to the keeper's thread.
pub(crate) struct Keeper {
    requests: Mutex<Requests>,
    waker: UnixStream,
}

struct Requests {
    list: Vec<(Arc<dyn Kept>, Instant)>,
    /// When the keeper will look at this list of its own accord.
    awake_at: Option<Instant>,
}

impl Keeper {
    /// The keeper of this process, started at the first call.
    pub(crate) fn get() -> io::Result<&'static Self> {
        static KEEPER: OnceLock<Keeper> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        if let Some(keeper) = KEEPER.get() {
            return Ok(keeper);
        }
        let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = KEEPER.get() {
            return Ok(keeper);
        }
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let (hand_over, handed) = std::sync::mpsc::channel::<&'static Keeper>();
        thread::Builder::new()
            .name("tidewire-keeper".into())
            .stack_size(256 * 1024)
            .spawn(move || {
                if let Ok(keeper) = handed.recv() {
                    Rounds::new(keeper, woken).run();
                }
            })?;
        let keeper = KEEPER.get_or_init(|| Keeper {
            requests: Mutex::new(Requests {
                list: Vec::new(),
                awake_at: Some(Instant::START),
            }),
            waker,
        });
        // The thread waits for nothing else.
        let _ = hand_over.send(keeper);
        Ok(keeper)
    }

    /// Asks for a look at `at`, or earlier.
    pub(crate) fn look_at(&self, kept: Arc<dyn Kept>, at: Instant) {
        let mut requests = self.requests();
        requests.list.push((kept, at));
        let sleeps_longer = requests.awake_at.is_none_or(|awake_at| at < awake_at);
        if sleeps_longer {
            requests.awake_at = Some(Instant::START);
        }
        drop(requests);
        if sleeps_longer {
            self.wake();
        }
    }

    /// Has the keeper look at the time, and at what it is asked for.
    pub(crate) fn wake(&self) {
        // Where the pair is full, the keeper is being woken already.
        let _ = (&self.waker).write(&[0]);
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's name for the keeper: where it lies.
type Key = usize;

struct Entry {
    kept: Arc<dyn Kept>,
    at: Option<Instant>,
    interest: PollFlags,
}

/// What the keeper's thread works on.
struct Rounds {
    keeper: &'static Keeper,
    woken: UnixStream,
    entries: HashMap<Key, Entry>,
    by_time: BTreeSet<(Instant, Key)>,
    /// The entries with an interest.
    watched: BTreeSet<Key>,
    buffer: Inbox,
}

impl Rounds {
    fn new(keeper: &'static Keeper, woken: UnixStream) -> Self {
        Self {
            keeper,
            woken,
            entries: HashMap::new(),
            by_time: BTreeSet::new(),
            watched: BTreeSet::new(),
            buffer: Inbox::with_capacity(KEEPER_BUFFER),
        }
    }

    fn run(&mut self) {
        loop {
            self.take_requests();
            self.look_at_due();
            for key in self.sleep() {
                self.look(key);
            }
        }
    }

    fn take_requests(&mut self) {
        let list = {
            let mut requests = self.keeper.requests();
            requests.awake_at = Some(Instant::START);
            std::mem::take(&mut requests.list)
        };
        for (kept, at) in list {
            let key = Arc::as_ptr(&kept).cast::<()>() as usize;
            let entry = self.entries.entry(key).or_insert(Entry {
                kept,
                at: None,
                interest: PollFlags::empty(),
            });
            if entry.at.is_none_or(|planned| at < planned) {
                if let Some(planned) = entry.at.replace(at) {
                    self.by_time.remove(&(planned, key));
                }
                self.by_time.insert((at, key));
            }
        }
    }

    fn look_at_due(&mut self) {
        let now = clock::now();
        let due: Vec<Key> = self
            .by_time
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, key)| *key)
            .collect();
        for key in due {
            self.look(key);
        }
    }

    fn look(&mut self, key: Key) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        if let Some(at) = entry.at.take() {
            self.by_time.remove(&(at, key));
        }
        let kept = entry.kept.clone();
        let buffer = &mut self.buffer;
        let look = catch_unwind(AssertUnwindSafe(|| kept.clone().look(buffer))).unwrap_or_else(|_| {
            error!("a transport panicked; its connection is ended");
            // It may do so again.
            let _ = catch_unwind(AssertUnwindSafe(|| kept.give_up()));
            Look::Done
        });
        self.watched.remove(&key);
        match look {
            Look::Done => {
                self.entries.remove(&key);
            }
            Look::Again { at, input, output } => {
                let mut interest = PollFlags::empty();
                interest.set(PollFlags::IN, input);
                interest.set(PollFlags::OUT, output);
                if !interest.is_empty() && entry.kept.fd().is_some() {
                    self.watched.insert(key);
                }
                entry.interest = interest;
                entry.at = at;
                if let Some(at) = at {
                    self.by_time.insert((at, key));
                }
            }
        }
    }

    /// Waits for requests, deadlines and descriptors; gives the connections whose descriptors are ready.
    fn sleep(&mut self) -> Vec<Key> {
        let wake_at = self.by_time.first().map(|(at, _)| *at);
        let timeout = {
            let mut requests = self.keeper.requests();
            if requests.list.is_empty() {
                requests.awake_at = wake_at;
                clock::keeper_timeout(wake_at)
            } else {
                Some(Duration::ZERO)
            }
        };
        let timeout = timeout.and_then(clock::to_system);
        let mut keys = Vec::with_capacity(self.watched.len());
        let mut fds = Vec::with_capacity(self.watched.len() + 1);
        fds.push(PollFd::from_borrowed_fd(self.woken.as_fd(), PollFlags::IN));
        for key in &self.watched {
            if let Some(entry) = self.entries.get(key)
                && let Some(fd) = entry.kept.fd()
            {
                keys.push(*key);
                fds.push(PollFd::from_borrowed_fd(fd, entry.interest));
            }
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Vec::new(),
            // Out of memory, or more descriptors than the process may have: this may last, so that all are looked at
            // in vain rather than none.
            Err(error) => {
                warn!(%error, "waiting for descriptors rests");
                thread::sleep(POLL_REST);
                return keys;
            }
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let woken = ready.next().unwrap_or(false);
        let ready = keys
            .into_iter()
            .zip(ready)
            .filter_map(|(key, ready)| ready.then_some(key))
            .collect();
        if woken {
            let mut bytes = [0; 64];
            while matches!((&self.woken).read(&mut bytes), Ok(read) if read == bytes.len()) {}
        }
        ready
    }
}
