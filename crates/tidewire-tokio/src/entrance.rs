//! What a server does with a connection before HTTP is spoken over it.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};

use tidewire_common::{
    Accepting, Addresses, Admission, Admissions, Declined, HandshakeError, Preface, Proxied, ProxyProtocol,
    Wire,
};

use crate::accept::refuse;
use crate::clock::Clock;
use crate::prefixed::Prefixed;
use crate::server_tls::Tls;
use crate::socket::Socket;
use crate::stages::{expiry, read, within};

/// Who may come in, and what is said before HTTP.
#[derive(Debug, Default)]
pub(crate) struct Entrance {
    pub(crate) admissions: Admissions,
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    pub(crate) tls: Tls,
}

impl Entrance {
    /// Gives somebody who connects a place, if only to be declined.
    pub(crate) fn admit(&self, socket: &Socket) -> Option<Admission> {
        self.admissions.arrive(|| match self.proxy_protocol {
            // A proxy has yet to say whose connection it is.
            Some(_) => None,
            None => Some(socket.peer_addr()?.ip()),
        })
    }

    /// Leads a connection to where HTTP begins, in the time of the opening handshake and unless `stopped`.
    ///
    /// # Errors
    /// When it does not come so far; what is to be said about that was said.
    pub(crate) async fn lead_in(
        &self,
        mut socket: Socket,
        admission: &mut Admission,
        accepting: &mut Accepting<'_>,
        clock: Clock,
        stopped: Pin<&mut (impl Future + Send)>,
    ) -> Result<Socket, HandshakeError> {
        // Boxed, since most connections need no room for it.
        match admission.declined() {
            Some(declined) => Err(Box::pin(self.decline(&mut socket, declined, accepting, clock)).await),
            None if self.proxy_protocol.is_none() && self.tls.wire() == Wire::Plain => Ok(socket),
            None => Box::pin(self.listen(socket, admission, accepting, clock, stopped)).await,
        }
    }

    async fn listen(
        &self,
        mut socket: Socket,
        admission: &mut Admission,
        accepting: &mut Accepting<'_>,
        clock: Clock,
        mut stopped: Pin<&mut (impl Future + Send)>,
    ) -> Result<Socket, HandshakeError> {
        let mut expiry = pin!(expiry(accepting.poll_timeout().map(|at| clock.to_tokio(at))));
        let mut addresses = socket.addresses();
        let peer = addresses.map(|addresses| addresses.peer.ip());
        let mut behind = Vec::new();
        if let Some(preface) = accepting.preface(self.proxy_protocol.as_ref(), peer, self.tls.wire()) {
            let mut out = Vec::new();
            let begun = {
                let beginning = pin!(begin(&mut socket, preface, &mut out));
                tokio::select! {
                    biased;
                    _ = &mut stopped => None,
                    begun = within(expiry.as_mut(), beginning) => Some(begun?),
                }
            };
            match begun {
                Some(Ok((proxied, rest))) => {
                    addresses = proxied.map(Addresses::from).or(addresses);
                    behind = rest;
                }
                Some(Err(error)) => return Err(refuse(&mut socket, &out, accepting, clock, error).await),
                None => {
                    let declined = Accepting::SHUTS_DOWN;
                    return Err(self.decline(&mut socket, declined, accepting, clock).await);
                }
            }
        }
        if let Some(Err(declined)) = addresses.map(|between| admission.comes_from(between.peer.ip())) {
            return Err(self.decline(&mut socket, declined, accepting, clock).await);
        }
        let stream = Prefixed::new(behind, socket);
        let shaking = pin!(async { Ok::<_, io::Error>(self.tls.accept(stream, addresses).await) });
        tokio::select! {
            biased;
            // In silence, as wherever TLS would have to come first.
            _ = stopped => Err(accepting.decline(Accepting::SHUTS_DOWN, &mut Vec::new())),
            socket = within(expiry, shaking) => socket?,
        }
    }

    /// Declines a connection; in silence, where that would have to be said in TLS.
    async fn decline(
        &self,
        socket: &mut Socket,
        declined: Declined,
        accepting: &mut Accepting<'_>,
        clock: Clock,
    ) -> HandshakeError {
        let mut out = Vec::new();
        let refused = accepting.decline(declined, &mut out);
        match self.tls.wire() {
            Wire::Plain => refuse(socket, &out, accepting, clock, refused).await,
            Wire::Tls => refused,
        }
    }
}

/// Whose connection it is, where a proxy said so, and what was read behind that.
type Begun = (Option<Proxied>, Vec<u8>);

/// Reads the beginning of a connection.
async fn begin(
    socket: &mut Socket,
    mut preface: Preface<'_>,
    out: &mut Vec<u8>,
) -> io::Result<Result<Begun, HandshakeError>> {
    loop {
        let take = |input: &[u8]| match input {
            [] => Err(HandshakeError::UnexpectedEnd),
            input => {
                let begun = preface.handle_input(input, out)?;
                Ok(begun.map(|begun| (begun.proxied, begun.rest.to_vec())))
            }
        };
        if let Some(begun) = read(socket, take).await?.transpose() {
            return Ok(begun);
        }
    }
}
