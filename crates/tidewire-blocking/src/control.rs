//! What a server, its handles and its connections' threads share.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tidewire_common::proto::Instant;
use tidewire_common::{Farewell, Metrics, Served, ServerControl, ServerMetrics, Standing};

use crate::clock;
use crate::handle::Handle;
use crate::link::Link;
use crate::socket::Socket;
use crate::split::Sender;
use crate::transport::Transport as _;

/// How long after the deadline threads may take to notice that their connection was aborted: a part of the second that a
/// shutdown may last beyond it.
const AFTER_ABORT: Duration = Duration::from_millis(500);

/// What a server, its handles and its connections' threads share.
pub struct Control {
    guests: Mutex<Guests>,
    /// The last guest has gone, or a deadline was set.
    changed: Condvar,
    addresses: Mutex<Vec<SocketAddr>>,
}

#[derive(Default)]
struct Guests {
    list: HashMap<u64, Place>,
    next: u64,
    standing: Standing<Instant>,
    waker: Option<UnixStream>,
    served: Served,
    /// Of the connections that have ended.
    ended: ServerMetrics,
}

/// How far a connection is.
enum Place {
    /// Its thread is starting.
    Spawned,
    /// With its socket, to end its wait with.
    Handshake(Socket),
    /// The same, but nothing more is expected of its client: it is about to be open, or to read why it is not.
    Answered(Socket),
    Open(Arc<Link<Socket>>),
    /// Open at the deadline.
    Aborted(Arc<Link<Socket>>),
}

impl Guests {
    fn open(&self) -> Vec<Arc<Link<Socket>>> {
        let open = |place: &Place| match place {
            Place::Open(link) => Some(link.clone()),
            Place::Spawned | Place::Handshake(_) | Place::Answered(_) | Place::Aborted(_) => None,
        };
        self.list.values().filter_map(open).collect()
    }

    /// Wakes who accepts, and who waits for a request.
    fn turn_away(&self) {
        // One byte always fits; a server that is not running yet finds how it stands.
        let _ = self.waker.as_ref().map(|mut waker| waker.write_all(&[0]));
        for place in self.list.values() {
            if let Place::Handshake(socket) = place {
                // The thread reads the end of the stream, and asks why.
                shut(socket, Shutdown::Read);
            }
        }
    }

    fn note_answer(&mut self, id: u64) {
        if let Some(place) = self.list.get_mut(&id)
            && let Place::Handshake(socket) = place
        {
            *place = Place::Answered(socket.clone());
        }
    }
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            guests: Mutex::default(),
            changed: Condvar::new(),
            addresses: Mutex::default(),
        }
    }

    /// Notes that the server listens there, too.
    pub(crate) fn add_address(&self, address: SocketAddr) {
        self.listed_addresses().push(address);
    }

    fn listed_addresses(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a stream that becomes readable when the server is to stop.
    pub(crate) fn wake_up_call(&self) -> io::Result<UnixStream> {
        let (waker, woken) = UnixStream::pair()?;
        self.lock().waker = Some(waker);
        Ok(woken)
    }

    /// Whether there is a deadline, and it has passed.
    pub(crate) fn is_overdue(&self) -> bool {
        let deadline = self.lock().standing.deadline();
        clock::left(deadline).is_some_and(|left| left.is_zero())
    }

    /// Waits for the connections' threads, at last without patience.
    pub(crate) fn finish(&self) -> Served {
        let mut guests = self.wait_empty(self.lock(), Duration::ZERO);
        let mut aborted = Vec::new();
        for place in guests.list.values_mut() {
            match place {
                Place::Handshake(socket) | Place::Answered(socket) => shut(socket, Shutdown::Both),
                Place::Open(connection) => {
                    let connection = connection.clone();
                    aborted.push(connection.clone());
                    *place = Place::Aborted(connection);
                }
                Place::Spawned | Place::Aborted(_) => {}
            }
        }
        guests.served.aborted = aborted.len();
        drop(guests);
        abort(aborted);
        let guests = self.wait_empty(self.lock(), AFTER_ABORT);
        guests.served
    }

    /// Waits until the last guest has gone, at most for so long after the deadline, if there is or comes to be one.
    fn wait_empty<'a>(
        &'a self,
        mut guests: MutexGuard<'a, Guests>,
        beyond: Duration,
    ) -> MutexGuard<'a, Guests> {
        while !guests.list.is_empty() {
            let left = clock::left(guests.standing.deadline().map(|deadline| deadline + beyond));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            guests = clock::wait(&self.changed, guests, left);
        }
        clock::rest();
        guests
    }

    fn lock(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerControl for Control {
    type Sender = Sender;

    fn stop_listening(&self) -> bool {
        let mut guests = self.lock();
        let is_new = guests.standing.drain();
        if is_new {
            guests.turn_away();
        }
        is_new
    }

    fn shut_down(&self, deadline: Duration, farewell: Farewell) -> bool {
        let mut guests = self.lock();
        let was_serving = guests.standing.is_serving();
        // A moment too far to be named is centuries away.
        let deadline = clock::now() + deadline;
        if !guests.standing.shut_down(deadline, farewell.clone()) {
            return false;
        }
        if was_serving {
            guests.turn_away();
        }
        let open = guests.open();
        drop(guests);
        self.changed.notify_all();
        for connection in open {
            leave(&connection, &farewell);
        }
        true
    }

    fn is_serving(&self) -> bool {
        self.lock().standing.is_serving()
    }

    fn connections(&self) -> usize {
        self.lock().open().len()
    }

    fn senders(&self) -> Vec<Sender> {
        let open = self.lock().open().into_iter();
        open.map(|link| Sender::new(Handle::new(link))).collect()
    }

    fn metrics(&self) -> ServerMetrics {
        let (mut sum, open) = {
            let guests = self.lock();
            (guests.ended.clone(), guests.open())
        };
        for connection in open {
            sum.add_open(&metrics(&connection));
        }
        sum
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.listed_addresses().clone()
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("addresses", &self.addresses())
            .finish_non_exhaustive()
    }
}

/// Ends connections at once; in a thread of its own, since each wakes a thread that wants a processor, and that of a
/// shutdown would come back after the last of them.
fn abort(connections: Vec<Arc<Link<Socket>>>) {
    if connections.is_empty() {
        return;
    }
    let connections = Arc::new(connections);
    let theirs = connections.clone();
    let spawned = thread::Builder::new()
        .name("tidewire-abort".into())
        .spawn(move || theirs.iter().for_each(Link::abort));
    if spawned.is_err() {
        connections.iter().for_each(Link::abort);
    }
}

/// Closes a connection, since the server shuts down.
fn leave(link: &Arc<Link<Socket>>, farewell: &Farewell) {
    // Where closing has begun already, nothing is left to do.
    let _ = link.start_closing(farewell.frame());
}

fn metrics(link: &Link<Socket>) -> Metrics {
    link.lock().session.metrics()
}

/// A connection's entry in the list; taken off it when its thread ends, however it does.
pub(crate) struct Guest {
    control: Arc<Control>,
    id: u64,
}

impl Guest {
    pub(crate) fn new(control: &Arc<Control>) -> Self {
        let mut guests = control.lock();
        let id = guests.next;
        guests.next += 1;
        guests.list.insert(id, Place::Spawned);
        Self {
            control: control.clone(),
            id,
        }
    }

    /// Notes that the handshake begins.
    pub(crate) fn arrives(&self, socket: &Socket) {
        let place = Place::Handshake(socket.clone());
        self.control.lock().list.insert(self.id, place);
    }

    /// Notes that the connection is open.
    pub(crate) fn enters(&self, link: &Arc<Link<Socket>>) {
        let mut guests = self.control.lock();
        let farewell = guests.standing.farewell();
        guests.list.insert(self.id, Place::Open(link.clone()));
        drop(guests);
        if let Some(farewell) = farewell {
            leave(link, &farewell);
        }
    }

    /// Whether its request may still be answered. From then on a shutdown waits until the connection is open, and closes
    /// that.
    pub(crate) fn may_answer(&self) -> bool {
        let mut guests = self.control.lock();
        if !guests.standing.is_serving() {
            return false;
        }
        guests.note_answer(self.id);
        true
    }

    /// Notes that it is refused. From then on a shutdown waits until the refusal has been read.
    pub(crate) fn is_refused(&self) {
        self.control.lock().note_answer(self.id);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        !self.control.is_serving()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.control.lock();
        let gone = guests.list.remove(&self.id);
        match &gone {
            Some(Place::Open(connection)) => {
                guests.ended.add_ended(&metrics(connection));
                if !guests.standing.is_serving() {
                    guests.served.finished += 1;
                }
            }
            Some(Place::Aborted(connection)) => guests.ended.add_ended(&metrics(connection)),
            Some(Place::Spawned | Place::Handshake(_) | Place::Answered(_)) | None => {
                guests.ended.failed_handshakes += 1;
            }
        }
        if guests.list.is_empty() {
            self.control.changed.notify_all();
        }
        // The socket is closed after the lock is given up.
        drop(guests);
        drop(gone);
    }
}

/// Ends a direction of a socket; where that fails, the peer was faster.
fn shut(socket: &Socket, how: Shutdown) {
    let _ = socket.shutdown(how);
}
