use std::pin::Pin;

use tidewire_common::{ClientTls, HandshakeError, Scheme, UrlError};
use tokio::time::Sleep;

use crate::socket::Socket;

/// Refuses `wss` before anything is connected to.
pub(crate) fn check(scheme: Scheme) -> Result<(), UrlError> {
    match scheme {
        Scheme::Ws => Ok(()),
        Scheme::Wss => Err(UrlError::Tls),
    }
}

/// Refuses: there is no TLS.
pub(crate) async fn secure(
    _socket: Socket,
    _tls: Option<&ClientTls>,
    _host: &str,
    _protocol: Option<&'static [u8]>,
    _expiry: Pin<&mut Option<Sleep>>,
) -> Result<Socket, HandshakeError> {
    Err(UrlError::Tls.into())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use crate::connect;

    #[tokio::test]
    async fn the_feature_is_named_before_anything_is_connected_to() -> std::io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("wss://{}/", listener.local_addr()?);
        let error = connect(url).await.expect_err("there is no TLS");
        assert_eq!(
            error.to_string(),
            "URL that asks for TLS, for which the feature tls is needed"
        );
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => Some(accepted),
            () = std::future::ready(()) => None,
        };
        assert!(accepted.is_none(), "{accepted:?}");
        Ok(())
    }
}
