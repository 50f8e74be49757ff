use std::fmt;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;

/// What is set on a client's socket before it connects.
///
/// `TCP_NODELAY` is set unless the [hook](Self::hook) undoes it; the rest is the system's choice. To a Unix socket apply
/// the sizes of its buffers and the hook.
///
/// ```
/// use std::time::Duration;
/// # use tidewire_common::dial::SocketOptions;
///
/// let options = SocketOptions::default()
///     .local_address("192.0.2.7:0".parse()?)
///     .keepalive(Duration::from_secs(60))
///     // Waits for more to send, where speed matters less than the number of packets.
///     .hook(|socket| socket.set_tcp_nodelay(false));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Default)]
pub struct SocketOptions {
    local_v4: Option<SocketAddrV4>,
    local_v6: Option<SocketAddrV6>,
    keepalive: Option<Duration>,
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
    hook: Option<Hook>,
}

type Hook = Arc<dyn Fn(&Socket) -> io::Result<()> + Send + Sync>;

impl SocketOptions {
    /// Connects from this address, in place of one of its family that was set before; port 0 leaves the port to the
    /// system.
    ///
    /// An address of the other family is then connected to only where a local one of that family is set, too. So
    /// `0.0.0.0:0` means IPv4 alone, and `[::]:0` IPv6 alone.
    pub fn local_address(mut self, address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => self.local_v4 = Some(address),
            SocketAddr::V6(address) => self.local_v6 = Some(address),
        }
        self
    }

    /// Has the system ask a peer that was silent for so long whether it is still there (`SO_KEEPALIVE`), in whole
    /// seconds; how often it asks again, and how soon, is the system's choice.
    ///
    /// Whether the peer's *application* is there is asked by [Pings](crate::proto::Keepalive), which are on by default.
    pub fn keepalive(mut self, idle: Duration) -> Self {
        self.keepalive = Some(idle);
        self
    }

    /// Asks for a receive buffer of so many bytes (`SO_RCVBUF`), which the system rounds and limits.
    pub fn receive_buffer(mut self, size: usize) -> Self {
        self.receive_buffer = Some(size);
        self
    }

    /// Asks for a send buffer of so many bytes (`SO_SNDBUF`), which the system rounds and limits.
    pub fn send_buffer(mut self, size: usize) -> Self {
        self.send_buffer = Some(size);
        self
    }

    /// Runs `hook` on each new socket, for any other option; in place of a hook that was set before.
    ///
    /// It runs behind all other options and before the socket is bound and connected. The socket does not block, and the
    /// hook must not either. An error of it ends the attempt on that address.
    pub fn hook(mut self, hook: impl Fn(&Socket) -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Sets what applies to TCP.
    pub(super) fn apply_tcp(&self, socket: &Socket) -> io::Result<()> {
        // Messages are written whole: to wait for more would only delay them.
        socket.set_tcp_nodelay(true)?;
        if let Some(idle) = self.keepalive {
            socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(idle))?;
        }
        self.apply(socket)
    }

    /// Sets what applies to sockets of all kinds.
    pub(super) fn apply(&self, socket: &Socket) -> io::Result<()> {
        if let Some(size) = self.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        if let Some(size) = self.send_buffer {
            socket.set_send_buffer_size(size)?;
        }
        match &self.hook {
            Some(hook) => hook(socket),
            None => Ok(()),
        }
    }

    /// From where to connect to an address; `None` leaves it to the system.
    pub(super) fn local(&self, remote: SocketAddr) -> io::Result<Option<SocketAddr>> {
        let (v4, v6) = (self.local_v4.map(Into::into), self.local_v6.map(Into::into));
        let (local, other) = match remote {
            SocketAddr::V4(_) => (v4, v6),
            SocketAddr::V6(_) => (v6, v4),
        };
        match (local, other) {
            (None, Some(other)) => Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("not tried from the local address {other}, which is of the other family"),
            )),
            (local, _) => Ok(local),
        }
    }
}

impl fmt::Debug for SocketOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketOptions")
            .field("local_v4", &self.local_v4)
            .field("local_v6", &self.local_v6)
            .field("keepalive", &self.keepalive)
            .field("receive_buffer", &self.receive_buffer)
            .field("send_buffer", &self.send_buffer)
            .field("hook", &self.hook.is_some())
            .finish()
    }
}
