//! What the fuzz targets run; hidden from the docs and no part of the promised API.
//!
//! It compiles with normal builds, so that a change of the API cannot leave the targets behind. A broken
//! promise is an assertion that fails, as a test's would.

use alloc::format;
use alloc::vec::Vec;

use super::{
    Acceptance, Accepted, ClientHandshake, ClientRequest, HeadLimits, InvalidField, Request, RequestError,
    ResponseError, ServerHandshake, Upgrade,
};
use crate::Instant;
use crate::deflate::{Context, Contexts};

/// Small enough for a fuzzer to reach each of them.
fn limits() -> HeadLimits {
    HeadLimits::default().bytes(1024).line(256).fields(16)
}

const UNLIMITED: Contexts = Contexts {
    server: Context::UNLIMITED,
    client: Context::UNLIMITED,
};

/// Feeds a server: pieces of the first byte's size and the whole must come to the same, and every answer must
/// be one that our own client understands.
pub fn request(data: &[u8]) {
    let Some((&size, input)) = data.split_first() else {
        return;
    };
    let whole = serve([input].into_iter());
    let pieces = serve(input.chunks(usize::from(size).max(1)));
    assert_eq!(whole, pieces, "pieces of {size} bytes differ from the whole");
    let mut out = Vec::new();
    let answered = whole.0.and_then(|request| {
        assert_one_line(&format!("{request:?}"));
        let upgrade = Upgrade::check(&request)?;
        let acceptance = match upgrade.subprotocols().next() {
            Some(subprotocol) => Acceptance::new().subprotocol(subprotocol),
            None => Ok(Acceptance::new()),
        };
        let accepted = acceptance.map(|mut acceptance| {
            if let Some((answer, _)) = upgrade.deflate(UNLIMITED) {
                acceptance = acceptance.deflate(answer);
            }
            upgrade.accept(&acceptance, &mut out)
        });
        assert_eq!(accepted, Ok(Ok(())), "an offered subprotocol was refused");
        Ok(())
    });
    let status = match answered {
        Ok(()) => 101,
        Err(error) => {
            assert_one_line(&format!("{error}"));
            error.response().write(&mut out);
            error.status()
        }
    };
    match (connect([&*out].into_iter()).map(|answer| answer.0), status) {
        // The request's key and subprotocols are its own.
        (
            Ok(Err(ResponseError::Accept { .. } | ResponseError::SubprotocolNotOffered { .. }) | Ok(_)),
            101,
        ) => {}
        (Ok(Err(ResponseError::Refused(response))), status) => {
            assert_eq!(response.status(), status);
            assert!(!response.is_truncated(), "a refusal is longer than it says");
        }
        (answer, status) => assert!(
            answer.is_err(),
            "the answer with status {status} is not understood"
        ),
    }
}

/// Feeds a client: pieces of the first byte's size and the whole must come to the same.
pub fn response(data: &[u8]) {
    let Some((&size, input)) = data.split_first() else {
        return;
    };
    let whole = connect([input].into_iter());
    let pieces = connect(input.chunks(usize::from(size).max(1)));
    assert_eq!(whole, pieces, "pieces of {size} bytes differ from the whole");
    if let Ok((result, _)) = whole {
        assert_one_line(&format!("{result:?}"));
        if let Err(error) = result {
            assert_one_line(&format!("{error}"));
        }
    }
}

/// Builds a request from four parts of the data, with NUL between them: whatever is not refused must arrive
/// as it was meant.
pub fn client_request(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let mut parts = text.splitn(4, '\0');
    let mut part = || parts.next().unwrap_or_default();
    let (host, target, name, value) = (part(), part(), part(), part());
    let built = ClientRequest::new(host, target).and_then(|request| request.field(name, value));
    let Ok(request) = built else { return };
    let mut out = Vec::new();
    ClientHandshake::new(
        Instant::START,
        None,
        HeadLimits::default(),
        request,
        [0; 16],
        &mut out,
    );
    let limits = HeadLimits::default().bytes(usize::MAX).line(usize::MAX);
    let received = ServerHandshake::new(Instant::START, None, limits).handle_input(&out);
    assert!(matches!(received, Ok(Some(_))), "our own request is refused");
    let Ok(Some(received)) = received else { return };
    assert!(Upgrade::check(&received).is_ok(), "our own request is no upgrade");
    assert_eq!(received.target(), target);
    assert_eq!(received.fields().len(), 6, "a field was injected");
    assert_eq!(
        received.fields().first(name),
        Some(value.trim_matches([' ', '\t']).as_bytes())
    );
}

type Served = (Result<Request, RequestError>, Vec<u8>);

fn serve<'i>(pieces: impl Iterator<Item = &'i [u8]>) -> Served {
    let mut handshake = ServerHandshake::new(Instant::START, None, limits());
    let mut received = None;
    for piece in pieces {
        match handshake.handle_input(piece) {
            Ok(request) => received = received.or(request),
            Err(error) => {
                assert_eq!(
                    handshake.handle_input(b"GET"),
                    Err(error.clone()),
                    "an error is not sticky"
                );
                return (Err(error), Vec::new());
            }
        }
    }
    // An unfinished head stands for the timeout that it would end with.
    (received.ok_or(RequestError::Timeout), handshake.take_rest())
}

type Connected = (Result<Accepted, ResponseError>, Vec<u8>);

fn connect<'i>(pieces: impl Iterator<Item = &'i [u8]>) -> Result<Connected, InvalidField> {
    let request = ClientRequest::new("example.com", "/")?
        .subprotocol("chat")?
        .extension("x")?
        .deflate(UNLIMITED);
    let mut out = Vec::new();
    let mut handshake = ClientHandshake::new(
        Instant::START,
        None,
        limits(),
        request,
        *b"the sample nonce",
        &mut out,
    )
    .body_limit(512);
    let mut accepted = None;
    for piece in pieces {
        match handshake.handle_input(piece) {
            Ok(answer) => accepted = accepted.or(answer),
            Err(error) => {
                assert_eq!(
                    handshake.handle_input(b"HTTP"),
                    Err(error.clone()),
                    "an error is not sticky"
                );
                return Ok((Err(error), Vec::new()));
            }
        }
    }
    let result = match (handshake.handle_end(), accepted) {
        (Err(error), _) => Err(error),
        (Ok(()), Some(accepted)) => Ok(accepted),
        (Ok(()), None) => Err(ResponseError::UnexpectedEnd),
    };
    Ok((result, handshake.take_rest()))
}

fn assert_one_line(text: &str) {
    assert!(
        !text.chars().any(char::is_control),
        "a control character would reach a log"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] =
        b"\x03GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, b\r\nSec-WebSocket-Extensions: x; y=1\r\n\r\n\x81\x80";
    const ACCEPTED: &[u8] = b"\x07HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n\x81\x00";
    const REFUSED: &[u8] =
        b"\x01HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n";
    const LENGTH: &[u8] = b"\x02HTTP/1.1 403 No\r\nContent-Length: 12\r\n\r\nhello, world and more";
    const PARTS: &[u8] = b"example.com:80\0/chat?a=b\0Origin\0https://example.com";

    #[test]
    fn every_single_byte_change_keeps_the_promises() {
        let targets = [
            (request as fn(&[u8]), REQUEST),
            (response, ACCEPTED),
            (response, REFUSED),
            (response, LENGTH),
            (client_request, PARTS),
        ];
        for (target, seed) in targets {
            target(seed);
            for at in 0..seed.len() {
                target(&seed[..at]);
                for byte in *b"\0\r\n\t ,:;/#@?09afZ\"\x7f\x80\xff" {
                    let mut changed = seed.to_vec();
                    changed[at] = byte;
                    target(&changed);
                    let mut inserted = seed.to_vec();
                    inserted.insert(at, byte);
                    target(&inserted);
                }
            }
        }
    }
}
