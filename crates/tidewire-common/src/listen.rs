//! Listeners of other makes than the standard library's: a long queue, several processes on one port.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;

use listenfd::ListenFd;
#[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
use socket2::SockRef;
use socket2::{Domain, Protocol, Socket, Type};

/// How many connections may wait to be accepted: as many as the system allows, which cuts it.
const BACKLOG: i32 = i32::MAX;

/// A listener that is bound already.
#[derive(Debug)]
pub enum Bound {
    /// On an internet address.
    Tcp(TcpListener),
    /// On a path.
    Unix(UnixListener),
}

/// Takes the listeners that whoever started this process handed over (`LISTEN_FDS`, systemd's socket activation), in their
/// order; none at a second call.
///
/// # Errors
/// For a descriptor that is no listener.
pub fn inherited() -> io::Result<Vec<Bound>> {
    let mut handed_over = ListenFd::from_env();
    let mut taken = Vec::new();
    for index in 0..handed_over.len() {
        let bound = match handed_over.take_tcp_listener(index) {
            Ok(tcp) => tcp.map(Bound::Tcp),
            Err(_) => handed_over.take_unix_listener(index)?.map(Bound::Unix),
        };
        if let Some(bound) = &bound {
            bound.check(index)?;
        }
        taken.extend(bound);
    }
    Ok(taken)
}

impl Bound {
    /// Refuses a socket of the right family that does not listen: one that is connected, for example.
    #[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
    fn check(&self, index: usize) -> io::Result<()> {
        let listens = match self {
            Self::Tcp(listener) => SockRef::from(listener).is_listener()?,
            Self::Unix(listener) => SockRef::from(listener).is_listener()?,
        };
        if listens {
            return Ok(());
        }
        let error = format!("descriptor {index} of those handed over is a socket that does not listen");
        Err(io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    /// Other systems do not tell.
    #[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "linux")))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "others judge")]
    fn check(&self, _index: usize) -> io::Result<()> {
        Ok(())
    }
}

/// Listens on an address. As many may wait there to be accepted as the system allows; the standard library's limit is 128.
///
/// # Errors
/// Where the address cannot be had.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    open(address, |_| Ok(()))
}

/// As [`bind`], on an address on which other processes of the same user do so as well (`SO_REUSEPORT`): the system spreads
/// the connections over them.
///
/// # Errors
/// Where the address cannot be had, for example since a process has it that does not share.
pub fn reuse_port(address: SocketAddr) -> io::Result<TcpListener> {
    open(address, |socket| socket.set_reuse_port(true))
}

/// Listens with a socket that was prepared before it is bound.
fn open(address: SocketAddr, prepare: impl FnOnce(&Socket) -> io::Result<()>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // As the standard library has it: a restart need not wait until connections of before are forgotten.
    socket.set_reuse_address(true)?;
    prepare(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_sockets_that_listen_are_listeners() -> io::Result<()> {
        let listening = bind((Ipv4Addr::LOCALHOST, 0).into())?;
        assert!(Bound::Tcp(listening).check(0).is_ok());
        let (connected, _other) = UnixStream::pair()?;
        let error = Bound::Unix(OwnedFd::from(connected).into()).check(3);
        let text = error.map_or_else(|error| error.to_string(), |()| "a listener".into());
        assert_eq!(
            text,
            "descriptor 3 of those handed over is a socket that does not listen"
        );
        Ok(())
    }
}
