//! The bytes of an opening handshake, with a deadline.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use tidewire_common::HandshakeError;
use tidewire_common::proto::Instant;

use crate::clock;
use crate::transport::{Transport, is_vain};

/// How much is read at once: requests and responses fit.
const BUFFER: usize = 4 * 1024;
/// How much input is discarded behind a refusal.
const MAX_DISCARDED: usize = 1 << 20;

/// What a read during the handshake gave.
pub(crate) enum Arrived {
    Bytes,
    End,
    Nothing,
}

/// Reads into an emptied buffer until the deadline.
pub(crate) fn read<S: Transport>(
    transport: &S,
    buffer: &mut Vec<u8>,
    deadline: Option<Instant>,
) -> io::Result<Arrived> {
    buffer.clear();
    buffer.reserve(BUFFER);
    match transport.read(buffer, clock::left(deadline)) {
        Ok(0) => Ok(Arrived::End),
        Ok(_) => Ok(Arrived::Bytes),
        Err(error) if is_vain(&error) => Ok(Arrived::Nothing),
        Err(error) => Err(error),
    }
}

/// Writes all of `bytes` until the deadline.
pub(crate) fn write<S: Transport>(
    transport: &S,
    mut bytes: &[u8],
    deadline: Option<Instant>,
) -> Result<(), HandshakeError> {
    while !bytes.is_empty() {
        let left = clock::left(deadline);
        match transport.write(bytes, left) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) => check_time(error, left)?,
        }
    }
    while transport.holds_output() {
        let left = clock::left(deadline);
        if let Err(error) = transport.flush(left) {
            check_time(error, left)?;
        }
    }
    Ok(())
}

/// Tells whether there is time left for another attempt.
fn check_time(error: io::Error, left: Option<Duration>) -> Result<(), HandshakeError> {
    if !is_vain(&error) {
        Err(error.into())
    } else if left.is_some_and(|left| left.is_zero()) {
        Err(HandshakeError::TIMEOUT)
    } else {
        Ok(())
    }
}

/// Sends a refusal, if there is one, so that it arrives: a socket that is closed with unread input is reset, and the reset destroys what
/// is on its way. The peer may take `timeout` to read it and close.
pub(crate) fn refuse<S: Transport>(transport: &S, refusal: &[u8], timeout: Duration) {
    if refusal.is_empty() {
        return;
    }
    let deadline = Some(clock::now() + timeout);
    if write(transport, refusal, deadline).is_err() || transport.shutdown(Shutdown::Write).is_err() {
        return;
    }
    let mut discarded = 0;
    let mut buffer = Vec::new();
    while discarded < MAX_DISCARDED && clock::left(deadline).is_some_and(|left| !left.is_zero()) {
        match read(transport, &mut buffer, deadline) {
            Ok(Arrived::Bytes) => discarded += buffer.len(),
            Ok(Arrived::Nothing) => {}
            Ok(Arrived::End) | Err(_) => return,
        }
    }
}
