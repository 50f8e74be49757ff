use tidewire_proto::Instant;
use tidewire_proto::handshake::{
    Acceptance, ClientHandshake, ClientRequest, HeadLimits, RequestError, ResponseError, ServerHandshake,
    Upgrade,
};

use super::Source;

/// Small, so that the fuzzer reaches them.
fn limits() -> HeadLimits {
    HeadLimits::default().bytes(1024).line(256).fields(16)
}

/// A request in pieces gets the same answer as in one, and every refusal has a response.
///
/// # Panics
/// Where it does not.
pub fn request_head(data: &[u8]) {
    let pieces = Source::new(data).pieces();
    let split = answer(&pieces);
    assert_eq!(split, answer(&[&pieces.concat()]), "a split changed the answer");
}

/// The response, and what followed the request.
type Answer = (Vec<u8>, Vec<u8>);

fn answer(pieces: &[&[u8]]) -> Result<Option<Answer>, RequestError> {
    let mut handshake = ServerHandshake::new(Instant::START, None, limits());
    let mut request = None;
    for piece in pieces {
        match handshake.handle_input(piece) {
            Ok(received) => {
                assert!(received.is_none() || request.is_none(), "two requests");
                request = request.or(received);
            }
            Err(error) => {
                assert_eq!(
                    handshake.handle_input(b"\r\n\r\n"),
                    Err(error.clone()),
                    "the error did not stick"
                );
                check_refusal(&error);
                return Err(error);
            }
        }
    }
    let Some(request) = request else {
        return Ok(None);
    };
    let mut out = Vec::new();
    match Upgrade::check(&request) {
        Ok(upgrade) => upgrade
            .accept(&Acceptance::new(), &mut out)
            .expect("accepts without a subprotocol or extension"),
        Err(error) => {
            check_refusal(&error);
            return Err(error);
        }
    }
    Ok(Some((out, handshake.take_rest())))
}

fn check_refusal(error: &RequestError) {
    let mut out = Vec::new();
    error.response().write(&mut out);
    let text = String::from_utf8(out).expect("a refusal is text");
    let status = format!("HTTP/1.1 {} ", error.status());
    assert!(text.starts_with(&status), "{text:?}");
    let (head, _) = text.split_once("\r\n\r\n").expect("a refusal has a whole head");
    // Nothing that the peer sent may add a line.
    let is_plain = |line: &str| !line.chars().any(char::is_control);
    assert!(head.split("\r\n").all(is_plain), "{head:?}");
}

/// A response in pieces gets the same verdict as in one.
///
/// # Panics
/// Where it does not.
pub fn response_head(data: &[u8]) {
    let pieces = Source::new(data).pieces();
    assert_eq!(
        verdict(&pieces),
        verdict(&[&pieces.concat()]),
        "a split changed the verdict"
    );
}

type Consent = (Option<String>, Vec<u8>);

fn verdict(pieces: &[&[u8]]) -> Result<Option<Consent>, ResponseError> {
    let request = ClientRequest::new("example.com", "/chat")
        .and_then(|request| request.subprotocol("chat"))
        .expect("the request is right");
    let mut out = Vec::new();
    // The nonce of the example in §1.3, whose accept value is in the seeds.
    let nonce = *b"the sample nonce";
    let mut handshake =
        ClientHandshake::new(Instant::START, None, limits(), request, nonce, &mut out).body_limit(64);
    let mut accepted = None;
    for piece in pieces {
        accepted = accepted.or(handshake.handle_input(piece)?);
    }
    handshake.handle_end()?;
    Ok(accepted.map(|accepted| (accepted.subprotocol().map(Into::into), handshake.take_rest())))
}
