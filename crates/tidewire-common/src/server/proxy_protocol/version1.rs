//! Version 1, a line of text: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::{self, FromStr};

use super::error::ProxyError;
use super::header::{Parsed, strip};
use super::proxied::Proxied;

/// §2.1: "If the CRLF sequence is not found in the first 107 characters, the receiver should declare the line invalid."
const MAX_LEN: usize = 107;

const START: &[u8] = b"PROXY ";

pub(super) fn parse(received: &[u8]) -> Result<Option<Parsed>, ProxyError> {
    if strip(received, START)?.is_none() {
        return Ok(None);
    }
    let Some(len) = line_len(received)? else {
        return Ok(None);
    };
    let line = received.get(START.len()..len).unwrap_or_default();
    Ok(Some((len + 2, proxied(line)?)))
}

/// How many bytes the line has before its CRLF.
fn line_len(received: &[u8]) -> Result<Option<usize>, ProxyError> {
    let too_long = ProxyError::LineTooLong { limit: MAX_LEN };
    // The CR has to leave room for the LF.
    let within = received.get(..MAX_LEN - 1).unwrap_or(received);
    let Some(len) = within.iter().position(|byte| b"\r\n".contains(byte)) else {
        return if received.len() < MAX_LEN - 1 {
            Ok(None)
        } else {
            Err(too_long)
        };
    };
    // "The receiver must not tolerate a single CR or LF character to end the line".
    match received.get(len..) {
        Some([b'\r', b'\n', ..]) => Ok(Some(len)),
        Some([b'\r']) => Ok(None),
        Some([b'\r', ..]) => Err(ProxyError::BareCarriageReturn),
        _ => Err(ProxyError::BareLineFeed),
    }
}

/// Reads what stands behind the first space of a line.
fn proxied(line: &[u8]) -> Result<Option<Proxied>, ProxyError> {
    match line.split(|byte| *byte == b' ').next() {
        Some(b"TCP4") => addressed::<Ipv4Addr>(line),
        Some(b"TCP6") => addressed::<Ipv6Addr>(line),
        // "the receiver must ignore anything presented before the CRLF is found."
        Some(b"UNKNOWN") => Ok(None),
        _ => Err(ProxyError::Protocol),
    }
}

/// Reads a line with addresses of one family.
fn addressed<A: FromStr + Into<IpAddr>>(line: &[u8]) -> Result<Option<Proxied>, ProxyError> {
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [_, source, destination, source_port, destination_port] = words[..] else {
        return Err(ProxyError::WordCount {
            count: words.len() + 1,
        });
    };
    let address = |word, what| {
        let read = str::from_utf8(word).ok().and_then(|word| word.parse::<A>().ok());
        read.map(Into::into).ok_or(ProxyError::Address { word: what })
    };
    let (source, destination) = (
        address(source, "source address")?,
        address(destination, "destination address")?,
    );
    let port = |word, what| port(word).ok_or(ProxyError::Port { word: what });
    Ok(Some(Proxied::new(
        SocketAddr::new(source, port(source_port, "source port")?),
        SocketAddr::new(destination, port(destination_port, "destination port")?),
    )))
}

fn port(word: &[u8]) -> Option<u16> {
    // "Heading zeroes are not permitted in front of numbers".
    match word {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] => str::from_utf8(word).ok()?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(line: &str) -> Result<Option<(String, String)>, ProxyError> {
        let parsed = parse(format!("{line}\r\nGET").as_bytes())?;
        let (len, proxied) = parsed.expect("a whole line");
        assert_eq!(len, line.len() + 2, "{line}");
        Ok(proxied.map(|proxied| (proxied.source().to_string(), proxied.destination().to_string())))
    }

    #[test]
    fn a_line_names_source_and_destination() {
        let table = [
            (
                "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443",
                "192.168.0.1:56324",
                "192.168.0.11:443",
            ),
            (
                "PROXY TCP4 255.255.255.255 0.0.0.0 65535 0",
                "255.255.255.255:65535",
                "0.0.0.0:0",
            ),
            (
                "PROXY TCP6 2001:DB8::1 ::ffff:192.0.2.1 1 2",
                "[2001:db8::1]:1",
                "[::ffff:192.0.2.1]:2",
            ),
        ];
        for (line, source, destination) in table {
            let expected = Some((source.to_owned(), destination.to_owned()));
            assert_eq!(addresses(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn an_unknown_connection_names_nobody() {
        for line in [
            "PROXY UNKNOWN",
            "PROXY UNKNOWN ",
            "PROXY UNKNOWN 1 2 3 4 5 6 7",
            "PROXY UNKNOWN ffff::ffff ffff::ffff 65535 65535",
        ] {
            assert_eq!(addresses(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn a_line_that_breaks_a_rule_is_refused_by_its_name() {
        use ProxyError::{Address, Port, Protocol, WordCount};
        let table = [
            ("PROXY ", Protocol),
            ("PROXY TCP5 1.2.3.4 1.2.3.4 1 2", Protocol),
            ("PROXY tcp4 1.2.3.4 1.2.3.4 1 2", Protocol),
            ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2", Protocol),
            ("PROXY UNKNOWNS", Protocol),
            ("PROXY TCP4", WordCount { count: 2 }),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1", WordCount { count: 5 }),
            ("PROXY TCP4  1.2.3.4 1.2.3.4 1 2", WordCount { count: 7 }),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 ", WordCount { count: 7 }),
            (
                "PROXY TCP4 1.2.3.04 1.2.3.4 1 2",
                Address {
                    word: "source address",
                },
            ),
            (
                "PROXY TCP4 1.2.3 1.2.3.4 1 2",
                Address {
                    word: "source address",
                },
            ),
            (
                "PROXY TCP4 ::1 1.2.3.4 1 2",
                Address {
                    word: "source address",
                },
            ),
            (
                "PROXY TCP4 1.2.3.4 256.2.3.4 1 2",
                Address {
                    word: "destination address",
                },
            ),
            (
                "PROXY TCP6 ::1 1.2.3.4 1 2",
                Address {
                    word: "destination address",
                },
            ),
            (
                "PROXY TCP6 [::1] ::1 1 2",
                Address {
                    word: "source address",
                },
            ),
            (
                "PROXY TCP6 ::1%1 ::1 1 2",
                Address {
                    word: "source address",
                },
            ),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 01 2", Port { word: "source port" }),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2", Port { word: "source port" }),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2", Port { word: "source port" }),
            (
                "PROXY TCP4 1.2.3.4 1.2.3.4 1 00",
                Port {
                    word: "destination port",
                },
            ),
            (
                "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\t",
                Port {
                    word: "destination port",
                },
            ),
            (
                "PROXY TCP4 1.2.3.4 1.2.3.4 1 \u{661}",
                Port {
                    word: "destination port",
                },
            ),
        ];
        for (line, error) in table {
            assert_eq!(addresses(line), Err(error), "{line:?}");
        }
    }

    #[test]
    fn a_line_ends_with_cr_and_lf_alone() {
        let table: [(&[u8], ProxyError); 4] = [
            (b"PROXY UNKNOWN\n", ProxyError::BareLineFeed),
            (b"PROXY UNKNOWN\rx", ProxyError::BareCarriageReturn),
            (b"PROXY UNKNOWN\r\r\n", ProxyError::BareCarriageReturn),
            (b"PROXY TCP4 1.2.3.4\n1.2.3.4 1 2\r\n", ProxyError::BareLineFeed),
        ];
        for (input, error) in table {
            assert_eq!(parse(input), Err(error), "{}", input.escape_ascii());
        }
        assert_eq!(parse(b"PROXY UNKNOWN\r"), Ok(None));
    }

    #[test]
    fn a_line_of_107_bytes_passes_and_one_more_fails() {
        let line = |len: usize| [b"PROXY UNKNOWN ", &vec![b'x'; len - 16][..], b"\r\n"].concat();
        let longest = line(107);
        assert_eq!(parse(&longest), Ok(Some((107, None))));
        for at in 0..107 {
            assert_eq!(parse(&longest[..at]), Ok(None), "{at} bytes");
        }
        let error = Err(ProxyError::LineTooLong { limit: 107 });
        assert_eq!(parse(&line(108)), error);
        // It shows as soon as the CR comes too late.
        assert_eq!(parse(&line(108)[..106]), error);
        assert_eq!(parse(&line(108)[..105]), Ok(None));
    }
}
