use std::fmt;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidewire_common::{Admission, Farewell, Metrics, ServerControl, ServerMetrics, Standing};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::clock::{self, Clock};
use crate::keeper::Keeper;
use crate::shared::{Handle, Shared};
use crate::socket::Socket;
use crate::split::Sender;
use crate::wakers::ToWake;

type Connection = Shared<Socket>;

/// What a server and its handles share.
pub struct Control {
    standing: watch::Sender<Standing<Instant>>,
    guests: Mutex<Guests>,
    keeper: Arc<Keeper>,
    /// The last guest has gone.
    empty: Notify,
    addresses: Mutex<Vec<SocketAddr>>,
}

/// Who has connected, each with a task.
#[derive(Default)]
struct Guests {
    /// By the numbers of their seats.
    seated: Vec<Guest>,
    /// The seats that nobody has.
    free: Vec<u32>,
    /// How many of them have a connection.
    connections: usize,
    /// How many connections have ended with their handler since the server takes no more.
    finished: usize,
    /// What the connections that have ended did.
    ended: ServerMetrics,
}

#[derive(Default)]
struct Guest {
    /// Once it is spawned.
    task: Option<AbortHandle>,
    /// Once the opening handshake is done.
    connection: Option<Arc<Connection>>,
}

impl Guests {
    /// Gives somebody who comes a seat.
    fn seat(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.seated.push(Guest::default());
            u32::try_from(self.seated.len() - 1).expect("a process has fewer sockets than 2^32")
        })
    }

    fn guest(&mut self, seat: u32) -> Option<&mut Guest> {
        self.seated.get_mut(usize::try_from(seat).ok()?)
    }

    fn connection(&mut self, seat: u32) -> Option<Arc<Connection>> {
        self.guest(seat)?.connection.clone()
    }

    /// Whether nobody is here.
    fn is_empty(&self) -> bool {
        self.free.len() == self.seated.len()
    }
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            standing: watch::Sender::default(),
            guests: Mutex::default(),
            keeper: Arc::new(Keeper::new()),
            empty: Notify::new(),
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

    /// Waits until the server takes no more connections.
    pub(crate) async fn stopped(&self) {
        let mut standing = self.standing.subscribe();
        // The other end lives in `self`, so there is always an answer.
        let _ = standing.wait_for(|standing| !standing.is_serving()).await;
    }

    /// Waits until the server shuts down; gives the deadline.
    pub(crate) async fn shut_down(&self) -> Instant {
        let mut standing = self.standing.subscribe();
        let shut_down = standing.wait_for(|standing| standing.deadline().is_some()).await;
        let deadline = shut_down.ok().and_then(|standing| standing.deadline());
        deadline.unwrap_or_else(Instant::now)
    }

    /// Spawns the task of a guest, who keeps the seat for as long as it runs.
    pub(crate) fn spawn<T>(self: &Arc<Self>, admission: Admission, task: impl FnOnce(Seat) -> T)
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let number = self.guests().seat();
        let seat = Seat {
            control: self.clone(),
            admission,
            number,
            finished: false,
        };
        // Without the lock, since it may end at once; then the handle waits in the empty seat for the next guest.
        let task = tokio::spawn(task(seat)).abort_handle();
        if let Some(guest) = self.guests().guest(number) {
            guest.task = Some(task);
        }
    }

    /// The clock of the server and its connections.
    pub(crate) fn clock(&self) -> Clock {
        self.keeper.clock()
    }

    /// Calls connections whose deadlines pass, for ever.
    pub(crate) async fn keep_deadlines(self: Arc<Self>) {
        loop {
            for (at, number) in self.keeper.due().await {
                let connection = self.guests().connection(number);
                if let Some(connection) = connection {
                    connection.with(|state| state.note_due(at));
                }
            }
        }
    }

    /// Whether there is a deadline, and it has passed.
    pub(crate) fn is_overdue(&self) -> bool {
        let deadline = self.standing.borrow().deadline();
        deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    fn farewell(&self) -> Option<Farewell> {
        self.standing.borrow().farewell()
    }

    /// Waits until all guests have gone.
    pub(crate) async fn emptied(&self) {
        while !self.guests().is_empty() {
            self.empty.notified().await;
        }
    }

    /// Aborts the tasks of all guests.
    pub(crate) fn abort(&self) {
        let guests = self.guests();
        let tasks: Vec<_> = guests.seated.iter().map(|guest| guest.task.clone()).collect();
        drop(guests);
        for task in tasks.into_iter().flatten() {
            task.abort();
        }
    }

    /// How many connections have ended with their handler since the server takes no more, and how many have not ended.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let guests = self.guests();
        (guests.finished, guests.connections)
    }

    fn connected(&self) -> Vec<Arc<Connection>> {
        let guests = self.guests();
        let connections = guests.seated.iter().map(|guest| guest.connection.clone());
        connections.flatten().collect()
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes a connection, since the server shuts down.
fn leave(connection: &Connection, farewell: &Farewell) {
    connection.with(|state| {
        state.progress.to_wake |= ToWake::DRIVER;
        state.close(farewell.frame());
    });
}

fn metrics(connection: &Connection) -> Metrics {
    connection.with(|state| state.session.metrics())
}

impl ServerControl for Control {
    type Sender = Sender;

    fn stop_listening(&self) -> bool {
        self.standing.send_if_modified(Standing::drain)
    }

    fn shut_down(&self, deadline: Duration, farewell: Farewell) -> bool {
        let deadline = clock::after(deadline);
        let is_new = self
            .standing
            .send_if_modified(|standing| standing.shut_down(deadline, farewell.clone()));
        if is_new {
            for connection in self.connected() {
                leave(&connection, &farewell);
            }
        }
        is_new
    }

    fn is_serving(&self) -> bool {
        self.standing.borrow().is_serving()
    }

    fn connections(&self) -> usize {
        self.guests().connections
    }

    fn senders(&self) -> Vec<Sender> {
        let open = self.connected().into_iter();
        open.map(|connection| Sender {
            handle: Handle::new(connection),
        })
        .collect()
    }

    fn metrics(&self) -> ServerMetrics {
        let open = self.connected();
        let mut sum = self.guests().ended.clone();
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
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

/// Takes a guest off the list when its task ends, however it does.
pub(crate) struct Seat {
    control: Arc<Control>,
    admission: Admission,
    number: u32,
    /// Its connection has ended with its handler.
    finished: bool,
}

impl Seat {
    /// The server, and the guest's place among those whom it counts.
    pub(crate) fn parts(&mut self) -> (&Control, &mut Admission) {
        (&self.control, &mut self.admission)
    }

    /// Notes that the guest has a connection.
    pub(crate) fn connect(&mut self, connection: &Arc<Connection>) {
        self.admission.open();
        let keeper = self.control.keeper.clone();
        connection.with(|state| state.leave_to_keeper(keeper, self.number));
        let mut guests = self.control.guests();
        if let Some(guest) = guests.guest(self.number) {
            guest.connection = Some(connection.clone());
            guests.connections += 1;
        }
        drop(guests);
        // Whoever is listed too late for the server's farewell takes it from here.
        if let Some(farewell) = self.control.farewell() {
            leave(connection, &farewell);
        }
    }

    /// Notes that the connection has ended with its handler.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let connection = self.control.guests().connection(self.number);
        let metrics = connection.map(|connection| metrics(&connection));
        let mut guests = self.control.guests();
        let gone = guests.guest(self.number).map(mem::take);
        guests.free.push(self.number);
        match metrics {
            Some(metrics) => {
                guests.connections -= 1;
                guests.ended.add_ended(&metrics);
            }
            None => guests.ended.failed_handshakes += 1,
        }
        guests.finished += usize::from(self.finished && !self.control.is_serving());
        if guests.is_empty() {
            self.control.empty.notify_one();
        }
        // The connection is dropped after the lock is.
        drop(guests);
        drop(gone);
    }
}
