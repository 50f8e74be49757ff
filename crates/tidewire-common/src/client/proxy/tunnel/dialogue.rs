use std::fmt;

use tidewire_proto::handshake::{HeadLimits, ResponseError, ResponseReader};

use super::error::{TunnelError, TunnelFault};
use super::socks4::Socks4;
use super::socks5::Socks5;
use crate::client::proxy::endpoint::Endpoint;
use crate::client::proxy::protocol::Protocol;
use crate::client::proxy::setting::Proxy;
use crate::error::HandshakeError;
use crate::handshake_stage::HandshakeStage;

/// The dialogue in which a proxy is asked to connect us to a server, up to the moment from which bytes pass through.
///
/// Input comes in pieces of any size, and what is to be sent is appended to an output. Nothing is sent of credentials but
/// what the proxy asks for: HTTP and SOCKS4 get them in the request, SOCKS5 where it chooses that method.
///
/// ```
/// use tidewire_common::proto::handshake::HeadLimits;
/// use tidewire_common::{Endpoint, Proxy, Tunnel};
///
/// let proxy = Proxy::parse("socks5h://proxy.example")?;
/// let mut out = Vec::new();
/// let mut tunnel = Tunnel::new(&proxy, &Endpoint::new("example.com", 80), HeadLimits::default(), &mut out)?;
/// assert_eq!(out, b"\x05\x01\0");
/// assert_eq!(tunnel.handle_input(b"\x05\0", &mut out)?, None);
/// assert_eq!(&out[3..], b"\x05\x01\0\x03\x0bexample.com\0\x50");
/// let rest = tunnel.handle_input(b"\x05\0\0\x01\0\0\0\0\0\0hello", &mut out)?;
/// assert_eq!(rest.as_deref(), Some(&b"hello"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Tunnel {
    /// For errors: the proxy and the server.
    between: (String, String),
    dialogue: Dialogue,
}

enum Dialogue {
    Http(ResponseReader),
    Socks4(Socks4),
    Socks5(Socks5),
}

impl Tunnel {
    /// Begins the dialogue, and appends what the proxy is told first. The limits are those of an HTTP proxy's response, of
    /// whose body 64 KiB are kept where it refuses.
    ///
    /// # Errors
    /// Where the proxy cannot be asked for the endpoint; nothing was appended.
    pub fn new(
        proxy: &Proxy,
        endpoint: &Endpoint,
        limits: HeadLimits,
        out: &mut Vec<u8>,
    ) -> Result<Self, TunnelError> {
        let between = (proxy.to_string(), endpoint.to_string());
        let dialogue =
            match proxy.protocol {
                Protocol::Http | Protocol::Https => proxy
                    .request(&between.1)
                    .map_err(TunnelFault::Endpoint)
                    .map(|request| {
                        request.write(out);
                        Dialogue::Http(ResponseReader::of_tunnel(limits))
                    }),
                Protocol::Socks4 | Protocol::Socks4a => {
                    Socks4::new(proxy.credentials.as_ref(), endpoint, out).map(Dialogue::Socks4)
                }
                Protocol::Socks5 | Protocol::Socks5h => {
                    Socks5::new(proxy.credentials.clone(), endpoint, out).map(Dialogue::Socks5)
                }
            };
        match dialogue {
            Ok(dialogue) => Ok(Self { between, dialogue }),
            Err(fault) => Err(TunnelError::new(between, fault)),
        }
    }

    /// Takes input, all of it, and appends what is to be said next. Once the proxy has connected us, it gives what the
    /// server has sent already, and is done.
    ///
    /// # Errors
    /// How the proxy refused, or the rule that it broke. Nothing more is to be read or sent then.
    pub fn handle_input(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Option<Vec<u8>>, TunnelError> {
        let rest = match &mut self.dialogue {
            Dialogue::Http(reader) => match reader.handle_input(input) {
                Ok(consent) => Ok(consent.map(|_| reader.take_rest())),
                Err(error) => Err(fault(error)),
            },
            Dialogue::Socks4(socks) => socks.handle_input(input),
            Dialogue::Socks5(socks) => socks.handle_input(input, out),
        };
        rest.map_err(|fault| self.error(fault))
    }

    /// Takes the end of the stream, before which the proxy has not connected us.
    pub fn handle_end(&mut self) -> TunnelError {
        let fault = match &mut self.dialogue {
            Dialogue::Http(reader) => reader.handle_end().err().map(fault),
            Dialogue::Socks4(_) | Dialogue::Socks5(_) => None,
        };
        self.error(fault.unwrap_or(TunnelFault::UnexpectedEnd))
    }

    /// Takes the end of its time, or of a stream that broke: gives the refusal that the proxy was about, if it was.
    fn give_up(&mut self) -> Option<TunnelError> {
        match &mut self.dialogue {
            Dialogue::Http(reader) => match reader.give_up() {
                Err(ResponseError::Timeout) | Ok(()) => None,
                Err(error) => Some(self.error(fault(error))),
            },
            Dialogue::Socks4(_) | Dialogue::Socks5(_) => None,
        }
    }

    /// What an error means that is none of the dialogue's own: one of the transport's, or that its time is over.
    pub fn fail(&mut self, error: HandshakeError) -> HandshakeError {
        match error {
            HandshakeError::Io(error) => match self.give_up() {
                Some(refusal) => refusal.into(),
                None => self.error(TunnelFault::Io(error)).into(),
            },
            HandshakeError::Timeout(_) => match self.give_up() {
                Some(refusal) => refusal.into(),
                None => HandshakeError::Timeout(HandshakeStage::Proxy(self.between.0.as_str().into())),
            },
            error => error,
        }
    }

    /// What is wrong with this dialogue.
    pub fn error(&self, fault: TunnelFault) -> TunnelError {
        TunnelError::new(self.between.clone(), fault)
    }
}

/// Shows no credentials and no input.
impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel")
            .field("proxy", &self.between.0)
            .field("endpoint", &self.between.1)
            .finish_non_exhaustive()
    }
}

fn fault(error: ResponseError) -> TunnelFault {
    match error {
        ResponseError::Refused(response) => TunnelFault::Refused(response),
        ResponseError::UnexpectedEnd => TunnelFault::UnexpectedEnd,
        error => TunnelFault::Response(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a proxy is told, and what became of what it answered: the bytes behind its consent, or the error's text
    /// without what is always in front.
    type Told = (Vec<u8>, Result<Option<Vec<u8>>, String>);

    fn ask(url: &str, endpoint: &Endpoint, answers: &[u8], size: usize) -> Told {
        let proxy = Proxy::parse(url).expect(url);
        let mut out = Vec::new();
        let reason = |error: TunnelError| error.fault().to_string();
        let mut tunnel = match Tunnel::new(&proxy, endpoint, HeadLimits::default(), &mut out) {
            Ok(tunnel) => tunnel,
            Err(error) => return (out, Err(reason(error))),
        };
        let mut opened = None::<Vec<u8>>;
        for piece in answers.chunks(size) {
            match (&mut opened, tunnel.handle_input(piece, &mut out)) {
                (_, Err(error)) => return (out, Err(reason(error))),
                (Some(rest), Ok(_)) => rest.extend(piece),
                (None, Ok(rest)) => opened = rest,
            }
            if let Some(rest) = &mut opened {
                // From here on, the stream is the server's.
                let at = piece.as_ptr() as usize - answers.as_ptr() as usize + piece.len();
                rest.extend(&answers[at..]);
                break;
            }
        }
        (out, Ok(opened))
    }

    /// Asserts the same in pieces of every size.
    fn assert_told(url: &str, endpoint: &Endpoint, answers: &[u8], told: &[u8], rest: Result<&[u8], &str>) {
        for size in 1..=answers.len().max(1) {
            let (out, opened) = ask(url, endpoint, answers, size);
            let shown = format!("{url} in pieces of {size}: {}", out.escape_ascii());
            assert_eq!(
                out.escape_ascii().to_string(),
                told.escape_ascii().to_string(),
                "{shown}"
            );
            assert_eq!(
                opened,
                rest.map(|rest| Some(rest.to_vec())).map_err(str::to_owned),
                "{shown}"
            );
        }
    }

    fn name() -> Endpoint {
        Endpoint::new("a.test", 258)
    }

    #[test]
    fn an_http_proxy_is_asked_with_connect() {
        let granted = b"HTTP/1.0 200 Connection established\r\nX: y\r\n\r\nrest";
        let plain = b"CONNECT a.test:258 HTTP/1.1\r\nHost: a.test:258\r\n\r\n";
        assert_told("http://p.test", &name(), granted, plain, Ok(b"rest"));
        let shown = b"CONNECT [::1]:258 HTTP/1.1\r\nHost: [::1]:258\r\nProxy-Authorization: Basic YWRhOmE6Yg==\r\n\r\n";
        let address = Endpoint::new("::1", 258);
        assert_told("https://ada:a%3Ab@p.test", &address, granted, shown, Ok(b"rest"));
        let refused = b"HTTP/1.1 407 Who\tare you\r\nContent-Length: 2\r\n\r\nno";
        let reason = "refused with status 407 Who\\tare you";
        assert_told("http://p.test", &name(), refused, plain, Err(reason));
        let wrong = b"HTTP/2 200 OK\r\n\r\n";
        let reason = "version of the response is not HTTP/1.1";
        assert_told("http://p.test", &name(), wrong, plain, Err(reason));
        let socks = b"\x05\xff";
        let reason = "first byte 0x05 does not start an HTTP/1.1 head";
        assert_told("http://p.test", &name(), socks, plain, Err(reason));
    }

    #[test]
    fn socks4_is_told_addresses_and_4a_names() {
        let address = Endpoint::new("192.0.2.1", 258);
        let granted = b"\0\x5a\x11\x22abcdrest";
        let told = b"\x04\x01\x01\x02\xc0\0\x02\x01\0";
        assert_told("socks4://p.test", &address, granted, told, Ok(b"rest"));
        assert_told("socks4a://p.test", &address, granted, told, Ok(b"rest"));
        let mapped = Endpoint::new("::ffff:192.0.2.1", 258);
        assert_told("socks4://p.test", &mapped, granted, told, Ok(b"rest"));
        let told = b"\x04\x01\x01\x02\0\0\0\x01ada\0a.test\0";
        assert_told("socks4a://ada@p.test", &name(), granted, told, Ok(b"rest"));
        for (code, reason) in [
            (91, "refused with reply 91, request rejected or failed"),
            (92, "refused with reply 92, no identd of ours answers the proxy"),
            (93, "refused with reply 93, our identd names another user"),
            (0, "refused with reply 0, which SOCKS4 does not have"),
        ] {
            assert_told("socks4a://ada@p.test", &name(), &[0, code], told, Err(reason));
        }
        let reason = "first byte 0x04 of an answer: 0x00 is required";
        assert_told(
            "socks4a://ada@p.test",
            &name(),
            b"\x04\x5a123456",
            told,
            Err(reason),
        );
        let six = Endpoint::new("2001:db8::1", 258);
        let reason = "IPv6 address: SOCKS4 knows those of IPv4 alone";
        assert_told("socks4a://p.test", &six, b"", b"", Err(reason));
    }

    #[test]
    fn socks5_is_told_names_and_addresses() {
        for (endpoint, bytes) in [
            (name(), &b"\x03\x06a.test\x01\x02"[..]),
            (Endpoint::new("192.0.2.1", 258), b"\x01\xc0\0\x02\x01\x01\x02"),
            (
                Endpoint::new("2001:db8::1", 258),
                b"\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\x02",
            ),
        ] {
            let told = [b"\x05\x01\0\x05\x01\0", bytes].concat();
            for granted in [
                &b"\x05\0\x05\0\0\x01\x01\x02\x03\x04\x05\x06rest"[..],
                b"\x05\0\x05\0\0\x04\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x05\x06rest",
                b"\x05\0\x05\0\0\x03\x03abc\x05\x06rest",
                b"\x05\0\x05\0\x07\x03\0\x05\x06rest",
            ] {
                assert_told("socks5h://p.test", &endpoint, granted, &told, Ok(b"rest"));
            }
        }
    }

    #[test]
    fn socks5_is_shown_credentials_where_it_chooses_them() {
        let url = "socks5h://ada:s%20t@p.test";
        let (methods, shown) = (&b"\x05\x02\0\x02"[..], &b"\x01\x03ada\x03s t"[..]);
        let request = b"\x05\x01\0\x03\x06a.test\x01\x02";
        let granted = b"\x05\0\0\x01\x01\x02\x03\x04\x05\x06";
        let all = [methods, shown, request].concat();
        assert_told(
            url,
            &name(),
            &[b"\x05\x02\x01\0", &granted[..]].concat(),
            &all,
            Ok(b""),
        );
        let unasked = [methods, request].concat();
        assert_told(
            url,
            &name(),
            &[b"\x05\0", &granted[..]].concat(),
            &unasked,
            Ok(b""),
        );
        let refused = [methods, shown].concat();
        let reason = "it refused the user and the password";
        assert_told(url, &name(), b"\x05\x02\x01\x01", &refused, Err(reason));
        let reason = "first byte 0x05 of an answer: 0x01 is required";
        assert_told(url, &name(), b"\x05\x02\x05\0", &refused, Err(reason));
        let reason = "it takes neither a user with a password nor nothing";
        assert_told(url, &name(), b"\x05\xff", methods, Err(reason));
        let empty = [&b"\x05\x02\0\x02\x01\x03ada\0"[..], request].concat();
        let answers = [b"\x05\x02\x01\0", &granted[..]].concat();
        assert_told("socks5h://ada@p.test", &name(), &answers, &empty, Ok(b""));
    }

    #[test]
    fn socks5_refuses_in_words() {
        let methods = b"\x05\x01\0";
        for (answers, reason) in [
            (&b"\x05\xff"[..], "it wants credentials, and none are set"),
            (b"\x05\x02", "it chose method 2, which was not offered"),
            (b"\x05\x01", "it chose method 1, which was not offered"),
            (b"\x04\0", "first byte 0x04 of an answer: 0x05 is required"),
            (b"HTTP/1.1 400", "first byte 0x48 of an answer: 0x05 is required"),
        ] {
            assert_told("socks5h://p.test", &name(), answers, methods, Err(reason));
        }
        let told = b"\x05\x01\0\x05\x01\0\x03\x06a.test\x01\x02";
        for (code, reason) in [
            (1, "general failure of the proxy"),
            (2, "not allowed by the proxy's rules"),
            (3, "network unreachable"),
            (4, "host unreachable"),
            (5, "connection refused"),
            (6, "TTL expired"),
            (7, "command not supported"),
            (8, "address type not supported"),
            (9, "which SOCKS5 does not have"),
        ] {
            let reason = format!("refused with reply {code}, {reason}");
            assert_told("socks5h://p.test", &name(), &[5, 0, 5, code], told, Err(&reason));
        }
        for (answers, reason) in [
            (
                &b"\x05\0\x01\0"[..],
                "first byte 0x01 of an answer: 0x05 is required",
            ),
            (
                b"\x05\0\x05\0\0\x02",
                "address of type 2 in a reply: 1, 3 or 4 is required",
            ),
        ] {
            assert_told("socks5h://p.test", &name(), answers, told, Err(reason));
        }
    }

    #[test]
    fn names_that_a_proxy_cannot_be_told_are_not_told() {
        let long = "a".repeat(256);
        for (host, reason) in [
            (&*long, "name has 256 bytes: SOCKS allows 255"),
            ("a b", "name that SOCKS cannot tell: visible ASCII is required"),
            ("a\0b", "name that SOCKS cannot tell: visible ASCII is required"),
            ("ä", "name that SOCKS cannot tell: visible ASCII is required"),
            ("", "name that SOCKS cannot tell: visible ASCII is required"),
        ] {
            for url in ["socks4a://p.test", "socks5h://p.test"] {
                assert_told(url, &Endpoint::new(host, 1), b"", b"", Err(reason));
            }
        }
        let injected = Endpoint::new("a\r\nX: y", 1);
        let reason = "host has byte 0x0d: an authority without user info is required";
        assert_told("http://p.test", &injected, b"", b"", Err(reason));
    }

    #[test]
    fn a_stream_that_ends_or_takes_too_long_is_told_apart_from_a_refusal() -> Result<(), TunnelError> {
        for (url, input) in [
            ("http://p.test", &b"HTTP/1.1 200"[..]),
            ("socks4://p.test", b"\0\x5a12345"),
            ("socks5://p.test", b"\x05\0\x05\0\0\x01"),
        ] {
            let endpoint = Endpoint::new("192.0.2.1", 1);
            let proxy = Proxy::parse(url).expect(url);
            let mut out = Vec::new();
            let mut tunnel = Tunnel::new(&proxy, &endpoint, HeadLimits::default(), &mut out)?;
            assert_eq!(tunnel.handle_input(input, &mut out)?, None);
            assert!(tunnel.give_up().is_none(), "{url}");
            let mut tunnel = Tunnel::new(&proxy, &endpoint, HeadLimits::default(), &mut out)?;
            assert_eq!(tunnel.handle_input(input, &mut out)?, None);
            let ended = tunnel.handle_end();
            assert!(matches!(ended.fault(), TunnelFault::UnexpectedEnd), "{ended}");
            assert!(ended.is_transient(), "{ended}");
            let start = format!("proxy {proxy}, asked for 192.0.2.1:1: stream ended");
            assert!(ended.to_string().starts_with(&start), "{ended}");
        }
        let proxy = Proxy::parse("http://ada:s3cret@p.test").expect("a proxy");
        let mut out = Vec::new();
        let mut tunnel = Tunnel::new(&proxy, &name(), HeadLimits::default(), &mut out)?;
        let endless = b"HTTP/1.1 503 Later\r\nProxy-Authenticate: a\r\n\r\nsorry";
        assert_eq!(tunnel.handle_input(endless, &mut out)?, None);
        assert!(!format!("{tunnel:?}").contains("s3cret"), "{tunnel:?}");
        let error = tunnel.give_up().expect("a refusal");
        let response = error.response().expect("its response");
        assert_eq!((response.status(), response.content()), (503, &b"sorry"[..]));
        assert!(response.is_truncated() && error.is_transient());
        Ok(())
    }

    #[test]
    fn an_endless_head_is_refused_at_its_limit() -> Result<(), TunnelError> {
        let proxy = Proxy::parse("http://p.test").expect("a proxy");
        let mut out = Vec::new();
        let limits = HeadLimits::default().bytes(100);
        for endless in [&b"HTTP/1.1 100 Go on\r\n\r\n"[..], b"a"] {
            let mut tunnel = Tunnel::new(&proxy, &name(), limits, &mut out)?;
            let mut input = b"HTTP/1.1 200 OK\r\nA: ".to_vec();
            if endless.len() > 1 {
                input.clear();
            }
            input.extend(endless.repeat(100));
            let error = tunnel.handle_input(&input, &mut out).expect_err("endless");
            assert_eq!(
                error.fault().to_string(),
                "response head exceeds the limit of 100 bytes"
            );
        }
        Ok(())
    }
}
