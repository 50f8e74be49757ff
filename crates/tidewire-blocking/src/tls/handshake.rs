//! TLS's own handshake, within a deadline.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use tidewire_common::rustls::{self, ClientConnection, Connection, ServerConnection};
use tidewire_common::{ClientTls, HandshakeError, ServerTls};

use super::records::Records;
use super::socket::TlsSocket;
use crate::clock;
use crate::exchange::{self, Arrived};
use crate::transport::{Transport, is_vain};

impl<S: Transport> TlsSocket<S> {
    /// Shakes hands with a client that opened the stream. `timeout` is for all of it; without one, it takes as long as
    /// the client likes.
    ///
    /// # Errors
    /// [`HandshakeError::Tls`], where the two do not agree; the client was told why. Otherwise
    /// [`HandshakeError::Timeout`], [`HandshakeError::UnexpectedEnd`] and [`HandshakeError::Io`].
    pub fn accept(socket: S, tls: &ServerTls, timeout: Option<Duration>) -> Result<Self, HandshakeError> {
        let connection = ServerConnection::new(Arc::clone(tls.config())).map_err(refused)?;
        Self::shake_hands(socket, connection.into(), timeout)
    }

    /// Shakes hands with a server over a stream that was opened to it, and checks that its certificate is for `host`, a DNS
    /// name or an IP address without brackets, or for [the name that was set](ClientTls::server_name). `timeout` is for
    /// all of it.
    ///
    /// # Errors
    /// [`HandshakeError::Tls`], where the name is none, the server's certificate is not trusted or not for it, or the
    /// two do not agree otherwise; the server was told why. The others as for [`accept`](Self::accept).
    pub fn connect(
        socket: S,
        tls: &ClientTls,
        host: &str,
        timeout: Option<Duration>,
    ) -> Result<Self, HandshakeError> {
        let shaken = || {
            let name = tls.name_at(host)?;
            let connection = ClientConnection::new(Arc::clone(tls.config()), name).map_err(refused)?;
            Self::shake_hands(socket, connection.into(), timeout)
        };
        shaken().map_err(|error: HandshakeError| error.with_server(host))
    }

    fn shake_hands(
        socket: S,
        connection: Connection,
        timeout: Option<Duration>,
    ) -> Result<Self, HandshakeError> {
        let deadline = timeout.and_then(|timeout| clock::after(clock::now(), timeout));
        socket.prepare()?;
        let tls = Self::new(socket, Records::new(connection));
        let mut buffer = Vec::new();
        loop {
            let left = clock::left(deadline);
            let is_sent = match tls.send(left) {
                Ok(()) => true,
                Err(error) if is_vain(&error) => false,
                Err(error) => return Err(error.into()),
            };
            if is_sent && !tls.with(|records| records.is_handshaking()) {
                return Ok(tls);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Err(HandshakeError::TIMEOUT);
            }
            if !is_sent {
                continue;
            }
            match exchange::read(tls.socket(), &mut buffer, deadline)? {
                Arrived::Bytes => {}
                Arrived::Nothing => continue,
                Arrived::End => return Err(HandshakeError::UnexpectedEnd),
            }
            if let Err(error) = tls.with(|records| records.handle_handshake(&buffer)) {
                // The alert that says why.
                let _ = tls.send(Some(Duration::ZERO));
                let _ = tls.socket().shutdown(Shutdown::Write);
                return Err(error.into());
            }
        }
    }
}

fn refused(error: rustls::Error) -> HandshakeError {
    io::Error::new(io::ErrorKind::InvalidData, error).into()
}
