use std::fmt;
use std::net::IpAddr;

use tracing::info;

use super::policy::ServerPolicy;
use super::proxy_protocol::{Proxied, ProxyHeader, ProxyProtocol};
use super::refusal::Refusal;
use crate::error::HandshakeError;

/// RFC 8446 §5.1: a record begins with its type, and the first one is a handshake.
const TLS_HANDSHAKE: u8 = 22;

/// What a connection is spoken over, once it has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// HTTP as it is.
    Plain,
    /// TLS.
    Tls,
}

/// The beginning of a connection, before its TLS and its HTTP: a PROXY header where one is expected, and a look at whether
/// TLS follows where that is.
///
/// Its time counts to that of the opening handshake; who takes longer is dropped without an answer. After an error the
/// adapter writes the output, if there is any, as it does after a refusal of [`Accepting`](crate::Accepting).
///
/// ```
/// use tidewire_common::{Preface, ProxyProtocol, ServerPolicy, Wire};
///
/// let (policy, protocol) = (ServerPolicy::default(), ProxyProtocol::from_trusted(["10.0.0.0/8"])?);
/// let (balancer, mut out) = (Some("10.0.0.1".parse()?), Vec::new());
/// let mut preface = Preface::new(Some(&protocol), balancer, Wire::Tls, &policy).expect("both are looked at");
/// assert!(preface.handle_input(b"PROXY TCP4 192.0.2.1 198.51.100.1 5", &mut out)?.is_none());
/// let begun = preface.handle_input(b"6324 443\r\n\x16\x03\x01", &mut out)?.expect("all of it");
/// assert_eq!(begun.proxied.expect("a source").source(), "192.0.2.1:56324".parse()?);
/// assert_eq!(begun.rest, b"\x16\x03\x01");
///
/// // What begins with HTTP needs no preface.
/// assert!(Preface::new(Some(&protocol), Some("192.0.2.1".parse()?), Wire::Plain, &policy).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Preface<'p> {
    /// Until it is there.
    header: Option<ProxyHeader>,
    proxied: Option<Proxied>,
    wire: Wire,
    policy: &'p ServerPolicy,
}

/// A connection whose beginning is over.
#[derive(Clone, Copy)]
pub struct Begun<'i> {
    /// Whose connection it is, where a PROXY header named somebody.
    pub proxied: Option<Proxied>,
    /// What belongs to TLS or HTTP of the last input.
    pub rest: &'i [u8],
}

impl<'p> Preface<'p> {
    /// What a connection from `peer` begins with; `None` where HTTP begins at once and nothing is to be done.
    pub fn new(
        protocol: Option<&ProxyProtocol>,
        peer: Option<IpAddr>,
        wire: Wire,
        policy: &'p ServerPolicy,
    ) -> Option<Self> {
        let header = protocol
            .filter(|protocol| protocol.expects(peer))
            .map(|_| ProxyHeader::new());
        let is_needed = header.is_some() || wire == Wire::Tls;
        is_needed.then_some(Self {
            header,
            proxied: None,
            wire,
            policy,
        })
    }

    /// Takes input; once the beginning is over, gives what of it belongs to what follows, and is then done.
    ///
    /// # Errors
    /// [`HandshakeError::Proxy`], of which nothing is said to the peer, and [`HandshakeError::NotTls`], of which HTTP's 400
    /// stands in the output.
    pub fn handle_input<'i>(
        &mut self,
        input: &'i [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Begun<'i>>, HandshakeError> {
        let mut rest = input;
        if let Some(header) = &mut self.header {
            let read = header.handle_input(input).inspect_err(|error| {
                info!(reason = %error, "PROXY header refused");
            })?;
            let Some(read) = read else { return Ok(None) };
            rest = input.get(read.consumed..).unwrap_or_default();
            self.proxied = read.proxied;
            self.header = None;
        }
        match (self.wire, rest.first()) {
            (Wire::Tls, None) => Ok(None),
            (Wire::Tls, Some(&byte)) if byte != TLS_HANDSHAKE => Err(self.refuse(byte, out)),
            (Wire::Tls, Some(_)) | (Wire::Plain, _) => Ok(Some(Begun {
                proxied: self.proxied,
                rest,
            })),
        }
    }

    /// Says in the clear that TLS is spoken here: whoever is not speaking it is most likely to understand HTTP.
    fn refuse(&self, byte: u8, out: &mut Vec<u8>) -> HandshakeError {
        let error = HandshakeError::NotTls { byte };
        let refusal = self.policy.dress(Refusal::new(400, "this port speaks TLS"));
        refusal.response.write(out);
        info!(status = 400, reason = %error, "handshake refused");
        error
    }
}

impl fmt::Debug for Preface<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preface")
            .field("header", &self.header)
            .field("proxied", &self.proxied)
            .field("wire", &self.wire)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Begun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun")
            .field("proxied", &self.proxied)
            .field("rest", &self.rest.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::proxy_protocol::ProxyError;
    use super::*;

    const HEADER: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";

    fn preface<'p>(protocol: Option<&ProxyProtocol>, wire: Wire, policy: &'p ServerPolicy) -> Preface<'p> {
        Preface::new(protocol, None, wire, policy).expect("something is expected")
    }

    /// What came of it, in pieces that end at `at` and at the end: the source, the rest and the output.
    type Outcome = Result<Option<(Option<Proxied>, Vec<u8>)>, String>;

    fn run(protocol: Option<&ProxyProtocol>, wire: Wire, pieces: &[&[u8]]) -> (Outcome, Vec<u8>) {
        let policy = ServerPolicy::default();
        let mut preface = preface(protocol, wire, &policy);
        let (mut out, mut behind) = (Vec::new(), pieces.iter());
        while let Some(piece) = behind.next() {
            match preface.handle_input(piece, &mut out) {
                Ok(None) => {}
                Ok(Some(begun)) => {
                    let rest = [begun.rest, &behind.copied().collect::<Vec<_>>().concat()].concat();
                    return (Ok(Some((begun.proxied, rest))), out);
                }
                Err(error) => return (Err(error.to_string()), out),
            }
        }
        (Ok(None), out)
    }

    #[test]
    fn every_split_point_gives_the_same_beginning() {
        let protocol = ProxyProtocol::required();
        let tls = [HEADER, b"\x16\x03\x01hello"].concat();
        let plain = [HEADER, b"GET / HTTP/1.1\r\n"].concat();
        for (protocol, wire, input) in [
            (Some(&protocol), Wire::Tls, &tls[..]),
            (Some(&protocol), Wire::Plain, &plain[..]),
            (Some(&protocol), Wire::Tls, &plain[..]),
            (Some(&protocol), Wire::Plain, b"GET / HTTP/1.1\r\n"),
            (None, Wire::Tls, b"\x16\x03\x01hello"),
            (None, Wire::Tls, b"GET / HTTP/1.1\r\n"),
        ] {
            let whole = run(protocol, wire, &[input]);
            assert!(!matches!(whole.0, Ok(None)), "{}", input.escape_ascii());
            for at in 0..=input.len() {
                let (one, two) = input.split_at(at);
                // An empty piece would be the end of the stream.
                let pieces: Vec<&[u8]> = [one, two].into_iter().filter(|piece| !piece.is_empty()).collect();
                assert_eq!(
                    run(protocol, wire, &pieces),
                    whole,
                    "{} at {at}",
                    input.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn what_follows_comes_with_whose_connection_it_is() -> Result<(), Box<dyn std::error::Error>> {
        let (policy, protocol) = (ServerPolicy::default(), ProxyProtocol::required());
        let mut out = Vec::new();
        let input = [HEADER, b"GET"].concat();
        let begun = preface(Some(&protocol), Wire::Plain, &policy)
            .handle_input(&input, &mut out)?
            .expect("all of it");
        let proxied = begun.proxied.expect("a source");
        assert_eq!(proxied.source(), "192.0.2.1:56324".parse()?);
        assert_eq!(proxied.destination(), "198.51.100.1:443".parse()?);
        assert_eq!((begun.rest, &*out), (&b"GET"[..], &b""[..]));
        // A connection of the proxy's own has nobody behind it.
        let begun = preface(Some(&protocol), Wire::Plain, &policy)
            .handle_input(b"PROXY UNKNOWN\r\n", &mut out)?
            .expect("all of it");
        assert_eq!((begun.proxied, begun.rest), (None, &b""[..]));
        Ok(())
    }

    #[test]
    fn tls_is_waited_for_behind_a_header() -> Result<(), HandshakeError> {
        let (policy, protocol) = (ServerPolicy::default(), ProxyProtocol::required());
        let (mut preface, mut out) = (preface(Some(&protocol), Wire::Tls, &policy), Vec::new());
        assert!(preface.handle_input(HEADER, &mut out)?.is_none());
        let begun = preface.handle_input(b"\x16", &mut out)?.expect("TLS has begun");
        assert!(begun.proxied.is_some());
        assert_eq!(begun.rest, b"\x16");
        Ok(())
    }

    #[test]
    fn plain_text_where_tls_is_spoken_gets_one_400() -> Result<(), Box<dyn std::error::Error>> {
        let policy = ServerPolicy::default().field("Server", "chat")?;
        let mut out = Vec::new();
        let error = preface(None, Wire::Tls, &policy)
            .handle_input(b"GET / HTTP/1.1\r\n", &mut out)
            .expect_err("plain text");
        assert!(
            matches!(error, HandshakeError::NotTls { byte: b'G' }),
            "{error:?}"
        );
        assert_eq!(error.status(), Some(400));
        let text = String::from_utf8(out)?;
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        assert!(text.contains("\r\nServer: chat\r\n"), "{text}");
        assert!(text.contains("\r\nConnection: close\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nthis port speaks TLS\n"), "{text}");
        Ok(())
    }

    #[test]
    fn nothing_is_said_to_whoever_owes_a_header() {
        let (policy, protocol) = (ServerPolicy::default(), ProxyProtocol::required());
        let mut out = Vec::new();
        for wire in [Wire::Plain, Wire::Tls] {
            let error = preface(Some(&protocol), wire, &policy)
                .handle_input(b"GET / HTTP/1.1\r\n", &mut out)
                .expect_err("no header");
            let absent = ProxyError::Absent { byte: b'G', at: 0 };
            assert!(
                matches!(&error, HandshakeError::Proxy(error) if *error == absent),
                "{error:?}"
            );
            assert_eq!((error.status(), &*out), (None, &b""[..]));
        }
    }

    #[test]
    fn what_begins_with_http_needs_no_preface() -> Result<(), Box<dyn std::error::Error>> {
        let (policy, protocol) = (
            ServerPolicy::default(),
            ProxyProtocol::from_trusted(["10.0.0.0/8"])?,
        );
        let new = |protocol, peer, wire| Preface::new(protocol, peer, wire, &policy).is_some();
        let (balancer, client) = (Some("10.0.0.1".parse()?), Some("192.0.2.1".parse()?));
        assert!(!new(None, balancer, Wire::Plain));
        assert!(!new(Some(&protocol), client, Wire::Plain));
        assert!(new(Some(&protocol), balancer, Wire::Plain));
        assert!(new(Some(&protocol), client, Wire::Tls));
        Ok(())
    }
}
