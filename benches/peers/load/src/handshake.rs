//! Opening handshakes by hand (RFC 6455 §4), from either side.

use std::io::{Read, Write as _};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest as _, Sha1};

use crate::compression::Deflate;
use crate::stream::Stream;

/// The key of the RFC's example: a server cannot tell it from a random one.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// How long a head may be.
const MAX_HEAD: usize = 4096;

/// The request of a client.
pub(crate) fn request(deflate: Deflate) -> String {
    let offer = match deflate {
        Deflate::Off => "",
        Deflate::NoTakeover => {
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
             client_no_context_takeover\r\n"
        }
        Deflate::Takeover => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    };
    format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    )
}

/// Is the client.
pub(crate) fn connect(stream: &mut Stream, deflate: Deflate) -> Result<()> {
    stream.write_all(request(deflate).as_bytes())?;
    read_response(stream, deflate)
}

/// Reads the answer to [`request`] and checks it.
pub(crate) fn read_response(stream: &mut Stream, deflate: Deflate) -> Result<()> {
    check_response(&read_head(stream)?, deflate)
}

fn check_response(head: &str, deflate: Deflate) -> Result<()> {
    ensure!(
        head.starts_with("HTTP/1.1 101 "),
        "handshake answered with {head:?}"
    );
    let wanted = accept_of(KEY);
    let accept = field(head, "sec-websocket-accept");
    ensure!(
        accept == Some(&wanted),
        "Sec-WebSocket-Accept is {accept:?}, not {wanted}"
    );
    let extensions = field(head, "sec-websocket-extensions").unwrap_or_default();
    let agreed = extensions.contains("permessage-deflate");
    let without = extensions.contains("server_no_context_takeover");
    let right = match deflate {
        Deflate::Off => !agreed,
        Deflate::NoTakeover => agreed && without,
        Deflate::Takeover => agreed && !without,
    };
    ensure!(
        right,
        "extensions are {extensions:?} where deflate is {deflate:?}"
    );
    Ok(())
}

/// Is the server.
pub(crate) fn accept(stream: &mut Stream) -> Result<()> {
    let head = read_head(stream)?;
    let Some(key) = field(&head, "sec-websocket-key") else {
        bail!("request without a key: {head:?}");
    };
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept_of(key)
    );
    Ok(stream.write_all(response.as_bytes())?)
}

/// The answer to a key (§4.2.2, step 5.4).
fn accept_of(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64.encode(hash.finalize())
}

/// Reads up to the empty line. What comes behind it in the same read would be lost, and is an error: nobody has sent a
/// message yet.
fn read_head(stream: &mut impl Read) -> Result<String> {
    let mut head = Vec::new();
    let mut buffer = [0; MAX_HEAD];
    loop {
        let len = stream.read(&mut buffer).context("no head came")?;
        ensure!(len > 0, "connection ended in the head");
        head.extend_from_slice(&buffer[..len]);
        ensure!(head.len() <= MAX_HEAD, "head is longer than {MAX_HEAD} bytes");
        if let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            ensure!(at + 4 == head.len(), "bytes behind the head");
            return Ok(String::from_utf8(head)?);
        }
    }
}

/// The value of a field, by its name in lower case.
fn field<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    #[test]
    fn the_answer_to_a_key_is_that_of_the_rfc() {
        assert_eq!(accept_of(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_response_is_checked() {
        check_response(RIGHT, Deflate::Off).unwrap();
        assert!(check_response(&RIGHT.replace("101", "200"), Deflate::Off).is_err());
        assert!(check_response(&RIGHT.replace("s3p", "S3p"), Deflate::Off).is_err());
        assert!(check_response(RIGHT, Deflate::NoTakeover).is_err());
        assert!(check_response(RIGHT, Deflate::Takeover).is_err());
    }
}
