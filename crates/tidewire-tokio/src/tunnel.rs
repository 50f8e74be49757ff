//! The bytes between a client and the proxy that leads it to its server.

use std::pin::{Pin, pin};

use tidewire_common::dial::SocketOptions;
use tidewire_common::proto::handshake::HeadLimits;
use tidewire_common::{Detour, Endpoint, HandshakeError, Proxy, Scheme, Tunnel};
use tokio::time::Sleep;

use crate::client_tls;
use crate::dial::{dial, look_up};
use crate::prefixed::Prefixed;
use crate::socket::Socket;
use crate::stages::{read, within, write};

/// Connects to a proxy, and through it to a server.
pub(crate) async fn through(
    detour: &Detour,
    options: &SocketOptions,
    limits: HeadLimits,
    mut expiry: Pin<&mut Option<Sleep>>,
) -> Result<Socket, HandshakeError> {
    let proxy = &detour.proxy;
    if proxy.is_https() {
        client_tls::check(Scheme::Wss)?;
    }
    let endpoint = match detour.name_to_look_up() {
        Some((name, port)) => &detour.found(within(expiry.as_mut(), pin!(look_up(name, port))).await)?,
        None => &detour.endpoint,
    };
    let mut socket = dial(&proxy.destination(), options, expiry.as_mut()).await?;
    if proxy.is_https() {
        socket = client_tls::secure(socket, proxy.own_tls(), proxy.host(), None, expiry.as_mut()).await?;
    }
    let led = ask(socket, proxy, endpoint, limits, expiry).await;
    // In TLS 1.3 a proxy may refuse our certificate as late as here.
    led.map_err(|error| error.with_server(proxy.host()))
}

/// Asks a proxy, to which the socket leads, for an endpoint; gives a socket that leads there.
async fn ask(
    mut socket: Socket,
    proxy: &Proxy,
    endpoint: &Endpoint,
    limits: HeadLimits,
    mut expiry: Pin<&mut Option<Sleep>>,
) -> Result<Socket, HandshakeError> {
    let mut out = Vec::new();
    let mut tunnel = Tunnel::new(proxy, endpoint, limits, &mut out)?;
    loop {
        let written = within(expiry.as_mut(), pin!(write(&mut socket, &out))).await;
        written.map_err(|error| tunnel.fail(error))?;
        out.clear();
        let answered = {
            let take = |input: &[u8]| match input {
                [] => Err(tunnel.handle_end()),
                input => tunnel.handle_input(input, &mut out),
            };
            within(expiry.as_mut(), pin!(read(&mut socket, take))).await
        };
        match answered.map_err(|error| tunnel.fail(error))?? {
            None => {}
            Some(rest) if rest.is_empty() => return Ok(socket),
            Some(rest) => {
                let addresses = socket.addresses();
                return Ok(Socket::with_addresses(Prefixed::new(rest, socket), addresses));
            }
        }
    }
}
