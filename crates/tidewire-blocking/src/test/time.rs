use std::fmt;
use std::time::Duration;

use crate::clock::Stopped;

/// The time of all connections, which stands still until it is [moved](Self::advance), and goes on from where it is when
/// this is dropped.
///
/// There is one for the process, as there is one thread that keeps the deadlines of all connections. So [`take`](Self::take)
/// waits while another test has it, and whatever is to have time that runs goes to another process: another file of tests.
/// Streams of the system, TCP for example, go on waiting by the system's clock; a [`pipe`](super::pipe) does not.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use tidewire_blocking::RecvTimeoutError;
/// use tidewire_blocking::test::{self, Time};
///
/// let mut time = Time::take();
/// let (mut server, client) = test::pair();
/// let waiting = thread::spawn(move || server.recv_timeout(Duration::from_secs(3600)));
/// while !waiting.is_finished() {
///     time.advance(Duration::from_secs(600));
/// }
/// assert!(matches!(waiting.join(), Ok(Err(RecvTimeoutError::Timeout))));
/// assert!(time.elapsed() >= Duration::from_secs(3600));
/// # drop(client);
/// ```
pub struct Time(Stopped);

impl Time {
    /// Stops the time, once nobody else has it stopped; to be called before there are connections whose threads wait.
    pub fn take() -> Self {
        Self(Stopped::take())
    }

    /// Moves the time on, from one deadline to the next. At each it waits until connections have done what is due, sent
    /// their pings for example, and have taken what that brought them; and so it does before the first and behind the last.
    ///
    /// It does not wait for what the application's own code has to do: see to that first, by receiving its answer for
    /// example. A thread that was woken and never comes to an end with it is waited for, but for a second of the system's time.
    pub fn advance(&mut self, duration: Duration) {
        self.0.advance(duration);
    }

    /// How far it was moved.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Time")
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}
