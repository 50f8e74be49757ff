//! What a server, its handles and its connections' threads share.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame, Instant};
use tidewire_common::{Served, ServerControl, Traffic};

use crate::clock;
use crate::link::Link;
use crate::transport::Transport;

/// How long threads may take to notice that their connection was aborted.
const AFTER_ABORT: Duration = Duration::from_millis(500);

/// What a server, its handles and its connections' threads share.
pub(crate) struct Control {
    guests: Mutex<Guests>,
    /// A guest left, or the server is to stop.
    changed: Condvar,
    address: Option<SocketAddr>,
}

#[derive(Default)]
struct Guests {
    list: HashMap<u64, Place>,
    next: u64,
    stop: Option<Instant>,
    waker: Option<UnixStream>,
    served: Served,
    /// Of the connections that have ended.
    ended: Traffic,
}

/// How far a connection is.
enum Place {
    /// Its thread is starting.
    Spawned,
    /// With a second descriptor of its socket, to end its wait with.
    Handshake(Option<TcpStream>),
    Open(Arc<dyn Leave>),
    /// Open at the deadline.
    Aborted,
}

impl Guests {
    fn open(&self) -> Vec<Arc<dyn Leave>> {
        let open = |place: &Place| match place {
            Place::Open(connection) => Some(connection.clone()),
            Place::Spawned | Place::Handshake(_) | Place::Aborted => None,
        };
        self.list.values().filter_map(open).collect()
    }
}

impl Control {
    pub(crate) fn new(address: Option<SocketAddr>) -> Self {
        Self {
            guests: Mutex::default(),
            changed: Condvar::new(),
            address,
        }
    }

    /// Gives a stream that becomes readable when the server is to stop.
    pub(crate) fn wake_up_call(&self) -> io::Result<UnixStream> {
        let (waker, woken) = UnixStream::pair()?;
        self.lock().waker = Some(waker);
        Ok(woken)
    }

    /// Waits for the connections' threads, at last without patience.
    pub(crate) fn finish(&self) -> Served {
        let mut guests = self.lock();
        let deadline = guests.stop.unwrap_or_else(clock::now);
        guests = self.wait_empty(guests, deadline);
        let mut aborted = Vec::new();
        for place in guests.list.values_mut() {
            match std::mem::replace(place, Place::Aborted) {
                Place::Handshake(stream) => shut(stream.as_ref(), Shutdown::Both),
                Place::Open(connection) => aborted.push(connection),
                Place::Spawned | Place::Aborted => {}
            }
        }
        guests.served.aborted = aborted.len();
        drop(guests);
        for connection in aborted {
            connection.abort();
        }
        let guests = self.wait_empty(self.lock(), clock::now() + AFTER_ABORT);
        guests.served
    }

    fn wait_empty<'a>(
        &'a self,
        mut guests: MutexGuard<'a, Guests>,
        deadline: Instant,
    ) -> MutexGuard<'a, Guests> {
        while !guests.list.is_empty() {
            let left = deadline - clock::now();
            if left.is_zero() {
                break;
            }
            guests = self
                .changed
                .wait_timeout(guests, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        guests
    }

    fn lock(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerControl for Control {
    fn shut_down(&self, deadline: Duration) {
        let mut guests = self.lock();
        if guests.stop.is_some() {
            return;
        }
        // A moment too far to be named is centuries away.
        guests.stop = Some(clock::now() + deadline);
        // One byte always fits; a server that is not running yet finds the flag set.
        let _ = guests.waker.as_ref().map(|mut waker| waker.write_all(&[0]));
        for place in guests.list.values() {
            if let Place::Handshake(stream) = place {
                // The thread reads the end of the stream, and asks why.
                shut(stream.as_ref(), Shutdown::Read);
            }
        }
        let open = guests.open();
        drop(guests);
        for connection in open {
            connection.leave();
        }
    }

    fn is_serving(&self) -> bool {
        self.lock().stop.is_none()
    }

    fn connections(&self) -> usize {
        self.lock().open().len()
    }

    fn traffic(&self) -> Traffic {
        let (mut traffic, open) = {
            let guests = self.lock();
            (guests.ended, guests.open())
        };
        for connection in open {
            traffic += connection.traffic();
        }
        traffic
    }

    fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A connection of any stream that can be told to leave.
trait Leave: Send + Sync {
    fn leave(&self);
    fn abort(&self);
    fn traffic(&self) -> Traffic;
}

impl<S: Transport> Leave for Arc<Link<S>> {
    fn leave(&self) {
        // Where closing has begun already, nothing is left to do.
        let _ = self.start_closing(CloseFrame::new(CloseCode::GOING_AWAY, "server shuts down"));
    }

    fn abort(&self) {
        Link::abort(self);
    }

    fn traffic(&self) -> Traffic {
        self.lock().session.metrics().traffic
    }
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
    pub(crate) fn arrives(&self, stream: &TcpStream) {
        // Without descriptors to spare, a shutdown waits for this handshake.
        let stream = stream.try_clone().ok();
        let mut guests = self.control.lock();
        if guests.stop.is_some() {
            // As for one that is in its handshake already.
            shut(stream.as_ref(), Shutdown::Read);
        }
        guests.list.insert(self.id, Place::Handshake(stream));
    }

    /// Notes that the connection is open.
    pub(crate) fn enters<S: Transport>(&self, link: &Arc<Link<S>>) {
        let mut guests = self.control.lock();
        let stops = guests.stop.is_some();
        guests.list.insert(self.id, Place::Open(Arc::new(link.clone())));
        drop(guests);
        if stops {
            link.leave();
        }
    }

    pub(crate) fn is_leaving(&self) -> bool {
        !self.control.is_serving()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.control.lock();
        if let Some(Place::Open(connection)) = guests.list.remove(&self.id) {
            guests.ended += connection.traffic();
            if guests.stop.is_some() {
                guests.served.finished += 1;
            }
        }
        drop(guests);
        self.control.changed.notify_all();
    }
}

/// Ends a direction of a socket; where that fails, the peer was faster.
fn shut(stream: Option<&TcpStream>, how: Shutdown) {
    let _ = stream.map(|stream| stream.shutdown(how));
}
