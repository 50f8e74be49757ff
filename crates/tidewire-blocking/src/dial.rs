//! Connects to where a client's bytes go first: a server, or a proxy on the way there.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tidewire_common::HandshakeError;
use tidewire_common::dial::{
    Destination, DialError, FULL_QUEUE, Race, SocketOptions, Step, connect_unix, open_tcp,
};
use tidewire_common::proto::Instant;
use tidewire_common::socket2::Socket as RawSocket;

use crate::clock;
use crate::socket::Socket;

/// Connects to a destination until the deadline.
pub(crate) fn dial(
    destination: &Destination,
    options: &SocketOptions,
    deadline: Option<Instant>,
) -> Result<Socket, HandshakeError> {
    connect(destination, options, deadline).map_err(|error| error.while_connecting(destination))
}

fn connect(
    destination: &Destination,
    options: &SocketOptions,
    deadline: Option<Instant>,
) -> Result<Socket, HandshakeError> {
    let addresses = match destination {
        Destination::Host { name, port } => look_up(name, *port, deadline)?,
        Destination::Addresses(addresses) => addresses.clone(),
        Destination::Unix(path) => return Ok(unix(path, options, deadline)?.into()),
    };
    let race = Race::new(destination.clone(), addresses);
    Ok(run(race, options, deadline)?.into())
}

/// The addresses of a name, or the one that it is.
pub(crate) fn look_up(
    name: &str,
    port: u16,
    deadline: Option<Instant>,
) -> Result<Vec<SocketAddr>, HandshakeError> {
    if let Ok(address) = name.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = (name.to_owned(), port);
    let resolve = move || host.to_socket_addrs().map(Vec::from_iter);
    Ok(within(deadline, resolve)?.map_err(|error| DialError::LookUp {
        destination: Destination::Host {
            name: name.into(),
            port,
        },
        error,
    })?)
}

/// Calls what knows no deadline, as the system's resolver: in a thread of its own, which is left to itself when the time is
/// over.
fn within<T: Send + 'static>(
    deadline: Option<Instant>,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HandshakeError> {
    let Some(left) = clock::left(deadline) else {
        return Ok(call());
    };
    let (tell, told) = mpsc::channel();
    thread::Builder::new()
        .name("tidewire-lookup".into())
        .spawn(move || tell.send(call()))?;
    told.recv_timeout(left).map_err(|_| HandshakeError::TIMEOUT)
}

/// An address that is connected to.
struct Attempt {
    address: SocketAddr,
    socket: RawSocket,
}

impl Attempt {
    fn start(address: SocketAddr, options: &SocketOptions) -> io::Result<Self> {
        let socket = open_tcp(options, address)?;
        match socket.connect(&address.into()) {
            Err(error) if Errno::from_io_error(&error) != Some(Errno::INPROGRESS) => Err(error),
            // Connected or on its way, which is told in the same way.
            Ok(()) | Err(_) => Ok(Self { address, socket }),
        }
    }

    fn finish(self) -> io::Result<TcpStream> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        self.socket.set_nonblocking(false)?;
        Ok(self.socket.into())
    }
}

/// Runs a race until an address is connected to; the other attempts end with it.
fn run(
    mut race: Race,
    options: &SocketOptions,
    deadline: Option<Instant>,
) -> Result<TcpStream, HandshakeError> {
    let mut attempts = Vec::new();
    loop {
        let now = clock::now();
        match race.poll_step(now) {
            Step::Start(address) => match Attempt::start(address, options) {
                Ok(attempt) => attempts.push(attempt),
                Err(error) => race.handle_failure(address, error),
            },
            Step::Wait(_) if deadline.is_some_and(|deadline| deadline <= now) => {
                return Err(HandshakeError::TIMEOUT);
            }
            Step::Wait(until) => {
                let until = until.into_iter().chain(deadline).min();
                for attempt in wait(&mut attempts, clock::left(until))? {
                    let address = attempt.address;
                    match attempt.finish() {
                        Ok(stream) => return Ok(stream),
                        Err(error) => race.handle_failure(address, error),
                    }
                }
            }
            Step::Lost(error) => return Err(error.into()),
        }
    }
}

/// Waits until attempts have ended, however, and takes them out.
fn wait(attempts: &mut Vec<Attempt>, timeout: Option<Duration>) -> io::Result<Vec<Attempt>> {
    // When the system wakes this thread, nobody knows.
    clock::rest();
    let mut fds: Vec<_> = attempts
        .iter()
        .map(|attempt| PollFd::new(&attempt.socket, PollFlags::OUT))
        .collect();
    match poll(&mut fds, timeout.and_then(clock::to_system).as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let ended: Vec<_> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    let mut ended = ended.into_iter();
    Ok(attempts.extract_if(.., |_| ended.next() == Some(true)).collect())
}

fn unix(
    path: &Path,
    options: &SocketOptions,
    deadline: Option<Instant>,
) -> Result<UnixStream, HandshakeError> {
    loop {
        if let Some(stream) = connect_unix(options, path)? {
            stream.set_nonblocking(false)?;
            return Ok(stream);
        }
        let left = clock::left(deadline).unwrap_or(Duration::MAX);
        if left.is_zero() {
            return Err(HandshakeError::TIMEOUT);
        }
        thread::sleep(left.min(FULL_QUEUE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_that_hangs_ends_with_the_deadline() {
        let (_never, told) = mpsc::channel::<()>();
        let deadline = Some(clock::now() + Duration::from_millis(10));
        let end = within(deadline, move || told.recv());
        assert!(matches!(end, Err(HandshakeError::Timeout(_))), "{end:?}");
    }
}
