use std::io;

use tidewire_common::{HandshakeError, Http2Error, TlsFailure, TlsReason};

/// What a handshake fails with where HTTP/2 does.
pub(super) fn of(error: h2::Error) -> HandshakeError {
    match error.reason().map(u32::from) {
        Some(code) if error.is_reset() => Http2Error::Reset { code }.into(),
        Some(code) if error.is_go_away() => Http2Error::GoAway { code }.into(),
        // h2's name for the end of the connection.
        _ if error
            .get_io()
            .is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) =>
        {
            HandshakeError::UnexpectedEnd
        }
        _ if error.is_io() => of_stream(to_io(error)),
        _ => Http2Error::Other(Box::new(error)).into(),
    }
}

/// What it fails with where the stream below does. Of an error that h2 has read, it keeps the kind and the words alone; this
/// kind is that of TLS, by which a server may refuse a client's certificate as late as here.
fn of_stream(error: io::Error) -> HandshakeError {
    match HandshakeError::from(error) {
        HandshakeError::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            TlsFailure::new(TlsReason::Other, error).into()
        }
        error => error,
    }
}

/// What an open connection fails with where its stream does.
pub(super) fn to_io(error: h2::Error) -> io::Error {
    if error.is_io() {
        // Nothing else is left where it is one.
        return error.into_io().unwrap_or_else(|| io::ErrorKind::Other.into());
    }
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
