use std::net::{IpAddr, SocketAddr};

use tidewire_common::{ProxyError, ProxyHeader};

use super::Source;

/// Extensions that leave room for the addresses.
const MAX_EXTENSIONS: usize = 2048 - 36;

/// Whatever a connection begins with is judged the same in pieces as whole; a PROXY header that was written is read as it was
/// meant, and what follows it is left.
///
/// # Panics
/// Where it is not so.
pub fn proxy_header(data: &[u8]) {
    let mut source = Source::new(data);
    match source.byte() % 3 {
        0 => assert_judged(&source.pieces()),
        1 => {
            let named = endpoints(&mut source);
            assert_read(&line(named), named, &mut source);
        }
        _ => {
            let named = endpoints(&mut source);
            let extensions = source.number() % (MAX_EXTENSIONS + 1);
            assert_read(&block(named, source.take(extensions)), named, &mut source);
        }
    }
}

/// The source and the destination.
type Endpoints = (SocketAddr, SocketAddr);

/// How long a header is and what it names, or `None` where more is needed.
type Outcome = Result<Option<(usize, Option<Endpoints>)>, ProxyError>;

fn run<'i>(pieces: impl IntoIterator<Item = &'i [u8]>) -> Outcome {
    let (mut header, mut before) = (ProxyHeader::new(), 0);
    for piece in pieces {
        if let Some(read) = header.handle_input(piece)? {
            assert!(read.consumed <= piece.len(), "more than there was");
            let named = read
                .proxied
                .map(|proxied| (proxied.source(), proxied.destination()));
            return Ok(Some((before + read.consumed, named)));
        }
        before += piece.len();
    }
    Ok(None)
}

fn assert_judged(pieces: &[&[u8]]) {
    let whole = pieces.concat();
    let outcome = run([&*whole]);
    assert_eq!(run(pieces.iter().copied()), outcome);
    assert_eq!(run(whole.chunks(1)), outcome);
    match outcome {
        Ok(Some((len, _))) => assert!(len <= ProxyHeader::MAX_LEN, "a header of {len} bytes"),
        Ok(None) => assert!(
            whole.len() < ProxyHeader::MAX_LEN,
            "{} bytes are waited behind",
            whole.len()
        ),
        Err(error) => {
            let text = error.to_string();
            assert!(!text.chars().any(char::is_control), "{text:?} would reach a log");
        }
    }
}

/// Asserts that a header is read as it was meant, in pieces of one size.
fn assert_read(header: &[u8], named: Endpoints, source: &mut Source<'_>) {
    let size = usize::from(source.byte()).max(1);
    let input = [header, source.take(usize::MAX)].concat();
    assert_eq!(run(input.chunks(size)), Ok(Some((header.len(), Some(named)))));
    for len in 0..header.len() {
        assert_eq!(run([&header[..len]]), Ok(None), "up to byte {len}");
    }
}

/// Two addresses of one family, with ports.
fn endpoints(source: &mut Source<'_>) -> Endpoints {
    let is_v6 = source.flag();
    let mut address = || {
        let ip = if is_v6 {
            IpAddr::from([(); 16].map(|()| source.byte()))
        } else {
            IpAddr::from([(); 4].map(|()| source.byte()))
        };
        SocketAddr::new(ip, u16::from_be_bytes([source.byte(), source.byte()]))
    };
    (address(), address())
}

/// Writes a header of version 1.
fn line((source, destination): Endpoints) -> Vec<u8> {
    let family = if source.is_ipv6() { "TCP6" } else { "TCP4" };
    let (source_port, destination_port) = (source.port(), destination.port());
    let (source, destination) = (source.ip(), destination.ip());
    format!("PROXY {family} {source} {destination} {source_port} {destination_port}\r\n").into_bytes()
}

/// Writes a header of version 2.
fn block((source, destination): Endpoints, extensions: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for address in [source, destination] {
        match address.ip() {
            IpAddr::V4(ip) => block.extend(ip.octets()),
            IpAddr::V6(ip) => block.extend(ip.octets()),
        }
    }
    for address in [source, destination] {
        block.extend(address.port().to_be_bytes());
    }
    block.extend(extensions);
    let len = u16::try_from(block.len()).expect("extensions are bounded");
    let kind = if source.is_ipv6() { 0x21 } else { 0x11 };
    [
        &b"\r\n\r\n\0\r\nQUIT\n\x21"[..],
        &[kind],
        &len.to_be_bytes(),
        &block,
    ]
    .concat()
}
