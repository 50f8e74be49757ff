use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::error::DialError;
use super::socket_options::SocketOptions;

/// How long to wait before a Unix socket is connected to again whose queue was full: the system tells nobody when it is not.
pub const FULL_QUEUE: Duration = Duration::from_millis(10);

/// Opens a socket that does not block, for a connection to `remote`.
///
/// # Errors
/// Where an option cannot be set, or the local address cannot be had.
pub fn open_tcp(options: &SocketOptions, remote: SocketAddr) -> io::Result<Socket> {
    let local = options.local(remote)?;
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    options.apply_tcp(&socket)?;
    if let Some(local) = local {
        bind(&socket, local).map_err(|error| {
            let text = format!("local address {local}: {error}");
            io::Error::new(error.kind(), text)
        })?;
    }
    Ok(socket)
}

/// Connects to a Unix socket with a stream that does not block, like [`open_tcp`]'s; `None` where so many wait to be accepted
/// there that this one has to come again after [`FULL_QUEUE`].
///
/// # Errors
/// Where an option cannot be set, or nobody listens.
pub fn connect_unix(options: &SocketOptions, path: &Path) -> Result<Option<UnixStream>, DialError> {
    let connect = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        options.apply(&socket)?;
        match socket.connect(&SockAddr::unix(path)?) {
            Ok(()) => Ok(Some(socket.into())),
            // Where TCP would be on its way, Linux asks to try again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    };
    connect().map_err(|error| DialError::Unix {
        path: path.into(),
        error,
    })
}

fn bind(socket: &Socket, local: SocketAddr) -> io::Result<()> {
    if local.port() != 0 {
        // One port serves connections to several addresses, and may be had again right after the last.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&local.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    #[test]
    fn a_socket_sends_at_once_and_has_the_options_that_were_set() {
        let (_listener, address) = listener();
        let plain = open_tcp(&SocketOptions::default(), address).expect("a socket");
        assert!(plain.tcp_nodelay().expect("an option"));
        assert!(plain.nonblocking().expect("a flag"));
        assert!(!plain.keepalive().expect("an option"));

        let options = SocketOptions::default()
            .keepalive(Duration::from_secs(7))
            .receive_buffer(20_000)
            .send_buffer(10_000)
            .hook(|socket| socket.set_tcp_nodelay(false));
        let socket = open_tcp(&options, address).expect("a socket");
        assert!(socket.keepalive().expect("an option"));
        assert_eq!(
            socket.tcp_keepalive_time().expect("an option"),
            Duration::from_secs(7)
        );
        // The system may double them for its own use.
        let sizes =
            [socket.recv_buffer_size(), socket.send_buffer_size()].map(|size| size.expect("an option"));
        assert!((20_000..=40_000).contains(&sizes[0]), "{sizes:?}");
        assert!((10_000..=20_000).contains(&sizes[1]), "{sizes:?}");
        assert!(!socket.tcp_nodelay().expect("an option"), "the hook runs last");
    }

    #[test]
    fn one_local_port_serves_connections_to_several_addresses() {
        let (first, second) = (listener(), listener());
        let any = SocketOptions::default()
            .local_address(([127, 0, 0, 1], 0).into())
            .hook(|socket| socket.set_reuse_address(true));
        let held = open_tcp(&any, first.1).expect("a socket");
        let local = held.local_addr().expect("an address").as_socket().expect("TCP");
        assert_ne!(local.port(), 0);

        let fixed = SocketOptions::default().local_address(local);
        let both = [first.1, second.1].map(|address| {
            let socket = open_tcp(&fixed, address).expect("a socket");
            socket.set_nonblocking(false).expect("a flag");
            socket.connect(&address.into()).expect("a listener");
            socket.local_addr().expect("an address").as_socket()
        });
        assert_eq!(both, [Some(local); 2]);
    }

    #[test]
    fn an_address_of_another_family_than_the_local_one_is_not_connected_to() {
        let options = SocketOptions::default().local_address(([127, 0, 0, 1], 0).into());
        let error = open_tcp(&options, "[::1]:9".parse().expect("an address")).expect_err("another family");
        assert_eq!(
            error.to_string(),
            "not tried from the local address 127.0.0.1:0, which is of the other family"
        );
        let options = options.local_address("[::1]:0".parse().expect("an address"));
        for address in ["[::1]:9", "127.0.0.1:9"] {
            let address = address.parse().expect("an address");
            open_tcp(&options, address).unwrap_or_else(|error| panic!("{address}: {error}"));
        }
    }

    #[test]
    fn what_cannot_be_bound_is_named() {
        let options = SocketOptions::default().local_address("192.0.2.1:0".parse().expect("an address"));
        let error = open_tcp(&options, "127.0.0.1:9".parse().expect("an address")).expect_err("not ours");
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(
            error.to_string().starts_with("local address 192.0.2.1:0: "),
            "{error}"
        );
    }

    #[test]
    fn an_error_of_the_hook_is_the_sockets() {
        let options = SocketOptions::default().hook(|_| Err(io::Error::other("not like this")));
        let error = open_tcp(&options, "127.0.0.1:9".parse().expect("an address")).expect_err("a hook");
        assert_eq!(error.to_string(), "not like this");
        let error = connect_unix(&options, Path::new("/nowhere")).expect_err("a hook");
        assert_eq!(error.to_string(), "/nowhere cannot be reached: not like this");
    }
}
