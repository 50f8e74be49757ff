//! The bytes between a client and the proxy that leads it to its server.

use tidewire_common::dial::SocketOptions;
use tidewire_common::proto::Instant;
use tidewire_common::proto::handshake::HeadLimits;
use tidewire_common::{Detour, Endpoint, HandshakeError, Proxy, Scheme, Tunnel};

use crate::client_tls;
use crate::clock;
use crate::dial::{dial, look_up};
use crate::exchange::{self, Arrived};
use crate::prefixed::Prefixed;
use crate::socket::Socket;
use crate::transport::Transport as _;

/// Connects to a proxy, and through it to a server.
pub(crate) fn through(
    detour: &Detour,
    options: &SocketOptions,
    limits: HeadLimits,
    deadline: Option<Instant>,
) -> Result<Socket, HandshakeError> {
    let proxy = &detour.proxy;
    if proxy.is_https() {
        client_tls::check(Scheme::Wss)?;
    }
    let endpoint = match detour.name_to_look_up() {
        Some((name, port)) => &detour.found(look_up(name, port, deadline))?,
        None => &detour.endpoint,
    };
    let mut socket = dial(&proxy.destination(), options, deadline)?;
    if proxy.is_https() {
        socket = client_tls::secure(socket, proxy.own_tls(), proxy.host(), deadline)?;
    }
    let led = ask(socket, proxy, endpoint, limits, deadline);
    // In TLS 1.3 a proxy may refuse our certificate as late as here.
    led.map_err(|error| error.with_server(proxy.host()))
}

/// Asks a proxy, to which the socket leads, for an endpoint; gives a socket that leads there.
fn ask(
    socket: Socket,
    proxy: &Proxy,
    endpoint: &Endpoint,
    limits: HeadLimits,
    deadline: Option<Instant>,
) -> Result<Socket, HandshakeError> {
    let mut out = Vec::new();
    let mut tunnel = Tunnel::new(proxy, endpoint, limits, &mut out)?;
    socket.prepare()?;
    let mut buffer = Vec::new();
    loop {
        exchange::write(&socket, &out, deadline).map_err(|error| tunnel.fail(error))?;
        out.clear();
        let arrived = exchange::read(&socket, &mut buffer, deadline);
        match arrived.map_err(|error| tunnel.fail(error.into()))? {
            Arrived::Bytes => match tunnel.handle_input(&buffer, &mut out)? {
                None => {}
                Some(rest) if rest.is_empty() => return Ok(socket),
                Some(rest) => {
                    let addresses = socket.addresses();
                    return Ok(Socket::with_addresses(Prefixed::new(rest, socket), addresses));
                }
            },
            Arrived::End => return Err(tunnel.handle_end().into()),
            Arrived::Nothing => {}
        }
        if clock::left(deadline).is_some_and(|left| left.is_zero()) {
            return Err(tunnel.fail(HandshakeError::TIMEOUT));
        }
    }
}
