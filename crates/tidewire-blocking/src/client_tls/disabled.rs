use tidewire_common::proto::Instant;
use tidewire_common::{ClientTls, HandshakeError, Scheme, UrlError};

use crate::socket::Socket;

/// Refuses `wss` before anything is connected to.
pub(crate) fn check(scheme: Scheme) -> Result<(), UrlError> {
    match scheme {
        Scheme::Ws => Ok(()),
        Scheme::Wss => Err(UrlError::Tls),
    }
}

/// Refuses: there is no TLS.
pub(crate) fn secure(
    _socket: Socket,
    _tls: Option<&ClientTls>,
    _host: &str,
    _deadline: Option<Instant>,
) -> Result<Socket, HandshakeError> {
    Err(UrlError::Tls.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use crate::connect;

    #[test]
    fn the_feature_is_named_before_anything_is_connected_to() -> std::io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("wss://{}/", listener.local_addr()?);
        let error = connect(url).open().expect_err("there is no TLS");
        assert_eq!(
            error.to_string(),
            "URL that asks for TLS, for which the feature tls is needed"
        );
        listener.set_nonblocking(true)?;
        assert!(listener.accept().is_err(), "nobody connected");
        Ok(())
    }
}
