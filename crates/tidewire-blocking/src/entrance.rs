//! What a server does with a connection before HTTP is spoken over it.

use tidewire_common::{
    Accepting, Addresses, Admission, Admissions, Declined, HandshakeError, Preface, Proxied, ProxyProtocol,
    Wire,
};

use crate::clock;
use crate::control::Guest;
use crate::exchange::{self, Arrived};
use crate::prefixed::Prefixed;
use crate::server_tls::Tls;
use crate::socket::Socket;

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

    /// Leads a connection to where HTTP begins, in the time of the opening handshake and unless the server stops.
    ///
    /// # Errors
    /// When it does not come so far; what is to be said about that was said.
    pub(crate) fn lead_in(
        &self,
        socket: Socket,
        guest: &Guest,
        admission: &mut Admission,
        accepting: &mut Accepting<'_>,
    ) -> Result<Socket, HandshakeError> {
        // Where the server stops after this, reading finds the end of the stream.
        let late = || guest.is_leaving().then_some(Accepting::SHUTS_DOWN);
        if let Some(declined) = admission.declined().or_else(late) {
            return Err(self.decline(&socket, guest, declined, accepting));
        }
        if self.proxy_protocol.is_none() && self.tls.wire() == Wire::Plain {
            return Ok(socket);
        }
        let mut addresses = socket.addresses();
        let peer = addresses.map(|addresses| addresses.peer.ip());
        let mut behind = Vec::new();
        if let Some(preface) = accepting.preface(self.proxy_protocol.as_ref(), peer, self.tls.wire()) {
            let mut out = Vec::new();
            match begin(&socket, preface, accepting, &mut out) {
                Ok((proxied, rest)) => {
                    addresses = proxied.map(Addresses::from).or(addresses);
                    behind = rest;
                }
                // By a peer, or by us.
                Err(HandshakeError::UnexpectedEnd) if guest.is_leaving() => {
                    return Err(self.decline(&socket, guest, Accepting::SHUTS_DOWN, accepting));
                }
                Err(error) => {
                    guest.is_refused();
                    exchange::refuse(&socket, &out, accepting.refusal_timeout(clock::now()));
                    return Err(error);
                }
            }
        }
        if let Some(Err(declined)) = addresses.map(|between| admission.comes_from(between.peer.ip())) {
            return Err(self.decline(&socket, guest, declined, accepting));
        }
        let left = clock::left(accepting.poll_timeout());
        self.tls.accept(Prefixed::new(behind, socket), addresses, left)
    }

    /// Declines a connection; in silence, where that would have to be said in TLS.
    fn decline(
        &self,
        socket: &Socket,
        guest: &Guest,
        declined: Declined,
        accepting: &mut Accepting<'_>,
    ) -> HandshakeError {
        let mut out = Vec::new();
        let refused = accepting.decline(declined, &mut out);
        if self.tls.wire() == Wire::Plain {
            guest.is_refused();
            exchange::refuse(socket, &out, accepting.refusal_timeout(clock::now()));
        }
        refused
    }
}

/// Reads the beginning of a connection; gives whose it is, where a proxy said so, and what was read behind that.
fn begin(
    socket: &Socket,
    mut preface: Preface<'_>,
    accepting: &Accepting<'_>,
    out: &mut Vec<u8>,
) -> Result<(Option<Proxied>, Vec<u8>), HandshakeError> {
    let deadline = accepting.poll_timeout();
    let mut buffer = Vec::new();
    loop {
        match exchange::read(socket, &mut buffer, deadline)? {
            Arrived::Bytes => {
                if let Some(begun) = preface.handle_input(&buffer, out)? {
                    return Ok((begun.proxied, begun.rest.to_vec()));
                }
            }
            Arrived::End => return Err(HandshakeError::UnexpectedEnd),
            Arrived::Nothing => {}
        }
        if clock::left(deadline).is_some_and(|left| left.is_zero()) {
            return Err(HandshakeError::TIMEOUT);
        }
    }
}
