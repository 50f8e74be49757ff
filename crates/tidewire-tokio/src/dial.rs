//! Connects to where a client's bytes go first: a server, or a proxy on the way there.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tidewire_common::HandshakeError;
use tidewire_common::dial::{
    Destination, DialError, FULL_QUEUE, Race, SocketOptions, Step, connect_unix, open_tcp,
};
use tokio::net::{TcpSocket, TcpStream, UnixStream, lookup_host};
use tokio::time::{Sleep, sleep, sleep_until};

use crate::clock::Clock;
use crate::socket::Socket;
use crate::stages::within;

/// Connects to a destination in what is left of the time. Its sockets and timers are in the future itself; only a look-up
/// that the system's resolver has begun goes on where that is dropped, in the runtime's pool of threads.
pub(crate) async fn dial(
    destination: &Destination,
    options: &SocketOptions,
    expiry: Pin<&mut Option<Sleep>>,
) -> Result<Socket, HandshakeError> {
    within(expiry, pin!(connect(destination, options)))
        .await
        .map_err(|error| error.while_connecting(destination))
}

async fn connect(destination: &Destination, options: &SocketOptions) -> Result<Socket, HandshakeError> {
    let addresses = match destination {
        Destination::Host { name, port } => look_up(name, *port).await?,
        Destination::Addresses(addresses) => addresses.clone(),
        Destination::Unix(path) => return Ok(unix(path, options).await?.into()),
    };
    let race = Race::new(destination.clone(), addresses);
    Ok(run(race, options).await?.into())
}

/// The addresses of a name, or the one that it is.
pub(crate) async fn look_up(name: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
    let found = lookup_host((name, port)).await;
    found.map(Vec::from_iter).map_err(|error| DialError::LookUp {
        destination: Destination::Host {
            name: name.into(),
            port,
        },
        error,
    })
}

/// An address that is connected to.
struct Attempt {
    address: SocketAddr,
    connecting: Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>,
}

impl Attempt {
    fn start(address: SocketAddr, options: &SocketOptions) -> io::Result<Self> {
        let socket = TcpSocket::from_std_stream(open_tcp(options, address)?.into());
        Ok(Self {
            address,
            connecting: Box::pin(socket.connect(address)),
        })
    }
}

/// Runs a race until an address is connected to; the other attempts end with it.
async fn run(mut race: Race, options: &SocketOptions) -> Result<TcpStream, DialError> {
    let clock = Clock::start();
    let mut attempts = Vec::new();
    let mut timer = pin!(None::<Sleep>);
    poll_fn(move |cx| {
        loop {
            if let Some(stream) = poll_attempts(&mut attempts, &mut race, cx) {
                return Poll::Ready(Ok(stream));
            }
            match race.poll_step(clock.now()) {
                Step::Start(address) => match Attempt::start(address, options) {
                    Ok(attempt) => attempts.push(attempt),
                    Err(error) => race.handle_failure(address, error),
                },
                Step::Wait(until) => {
                    timer.set(until.map(|at| sleep_until(clock.to_tokio(at))));
                    match timer.as_mut().as_pin_mut().map(|timer| timer.poll(cx)) {
                        Some(Poll::Ready(())) => {}
                        Some(Poll::Pending) | None => return Poll::Pending,
                    }
                }
                Step::Lost(error) => return Poll::Ready(Err(error)),
            }
        }
    })
    .await
}

/// Gives the stream of an attempt that has connected, and tells the race of those that have failed.
fn poll_attempts(attempts: &mut Vec<Attempt>, race: &mut Race, cx: &mut Context<'_>) -> Option<TcpStream> {
    let mut connected = None;
    attempts.retain_mut(|attempt| {
        if connected.is_some() {
            return true;
        }
        match attempt.connecting.as_mut().poll(cx) {
            Poll::Ready(Ok(stream)) => connected = Some(stream),
            Poll::Ready(Err(error)) => race.handle_failure(attempt.address, error),
            Poll::Pending => return true,
        }
        false
    });
    connected
}

async fn unix(path: &Path, options: &SocketOptions) -> Result<UnixStream, HandshakeError> {
    loop {
        match connect_unix(options, path)? {
            Some(stream) => return Ok(UnixStream::from_std(stream)?),
            None => sleep(FULL_QUEUE).await,
        }
    }
}
