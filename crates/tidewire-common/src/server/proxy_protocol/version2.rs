//! Version 2, which is binary: a signature, what is announced in four bytes, addresses and extensions.

use std::net::{IpAddr, SocketAddr};

use super::error::ProxyError;
use super::header::{Parsed, strip};
use super::proxied::Proxied;

/// §2.2: "The binary header format starts with a constant 12 bytes block".
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What may follow the first 16 bytes: addresses, and what a proxy has to say beside, which is skipped. The specification
/// counts on less than fits a packet.
const LIMIT: usize = 2048;

/// The longest header.
pub(super) const MAX_LEN: usize = SIGNATURE.len() + 4 + LIMIT;

/// What the addresses of a connection are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    /// Not there, or not to be looked at.
    None,
    V4,
    V6,
    /// Paths, which are not looked at.
    Unix,
}

impl Addresses {
    /// Those of a connection that is passed on, by the byte that says of what kind.
    fn proxied(kind: u8) -> Result<Self, ProxyError> {
        // "The highest 4 bits contain the address family, the lowest 4 bits contain the protocol."
        let (family, transport) = (kind >> 4, kind & 15);
        match (family, transport) {
            (4.., _) => Err(ProxyError::Family { family }),
            (_, 3..) => Err(ProxyError::Transport { transport }),
            (0, _) | (_, 0) => Ok(Self::None),
            (1, _) => Ok(Self::V4),
            (2, _) => Ok(Self::V6),
            (3, _) => Ok(Self::Unix),
        }
    }

    /// How many bytes they take.
    fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::V4 => 12,
            Self::V6 => 36,
            Self::Unix => 216,
        }
    }

    fn read(self, block: &[u8]) -> Option<Proxied> {
        match self {
            Self::None | Self::Unix => None,
            Self::V4 => pair::<4>(block),
            Self::V6 => pair::<16>(block),
        }
    }
}

pub(super) fn parse(received: &[u8]) -> Result<Option<Parsed>, ProxyError> {
    let Some(rest) = strip(received, SIGNATURE)? else {
        return Ok(None);
    };
    let Some((first, rest)) = rest.split_first() else {
        return Ok(None);
    };
    let (version, command) = (first >> 4, first & 15);
    if version != 2 {
        return Err(ProxyError::Version { version });
    }
    let addresses: fn(u8) -> Result<Addresses, ProxyError> = match command {
        // LOCAL: "the receiver must [...] discard the protocol block including the family which is ignored."
        0 => |_| Ok(Addresses::None),
        1 => Addresses::proxied,
        _ => return Err(ProxyError::Command { command }),
    };
    let Some((kind, rest)) = rest.split_first() else {
        return Ok(None);
    };
    let addresses = addresses(*kind)?;
    let Some((len, rest)) = rest.split_first_chunk() else {
        return Ok(None);
    };
    let len = usize::from(u16::from_be_bytes(*len));
    if len > LIMIT {
        return Err(ProxyError::TooLong { len, limit: LIMIT });
    }
    if len < addresses.len() {
        return Err(ProxyError::TooShort {
            len,
            addresses: addresses.len(),
        });
    }
    let block = rest.get(..len);
    Ok(block.map(|block| (MAX_LEN - LIMIT + len, addresses.read(block))))
}

/// Reads two addresses of `N` bytes, and the port of each.
fn pair<const N: usize>(block: &[u8]) -> Option<Proxied>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = block.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (source_port, rest) = rest.split_first_chunk()?;
    let (destination_port, _) = rest.split_first_chunk()?;
    Some(Proxied::new(
        SocketAddr::new((*source).into(), u16::from_be_bytes(*source_port)),
        SocketAddr::new((*destination).into(), u16::from_be_bytes(*destination_port)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, kind: u8, block: &[u8]) -> Vec<u8> {
        let len = u16::try_from(block.len()).expect("a block");
        [SIGNATURE, &[command, kind], &len.to_be_bytes(), block].concat()
    }

    /// Source and destination, the addresses before the ports.
    const V4: &[u8] = b"\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb";
    const V6: &[u8] = b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\
        \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xdc\x04\x01\xbb";
    /// An extension: type, length, value.
    const NOOP: &[u8] = b"\x04\0\x02ab";

    #[test]
    fn a_header_names_source_and_destination() {
        let (v4, v6) = (
            ("192.0.2.1:56324", "198.51.100.1:443"),
            ("[2001:db8::1]:56324", "[2001:db8::2]:443"),
        );
        for (kind, block, (source, destination)) in
            [(0x11, V4, v4), (0x12, V4, v4), (0x21, V6, v6), (0x22, V6, v6)]
        {
            let expected = Proxied::new(
                source.parse::<SocketAddr>().expect(source),
                destination.parse::<SocketAddr>().expect(destination),
            );
            let bare = header(0x21, kind, block);
            assert_eq!(
                parse(&bare),
                Ok(Some((16 + block.len(), Some(expected)))),
                "{kind:#x}"
            );
            let extended = header(0x21, kind, &[block, NOOP].concat());
            assert_eq!(
                parse(&extended),
                Ok(Some((extended.len(), Some(expected)))),
                "{kind:#x}"
            );
            for len in 0..bare.len() {
                assert_eq!(parse(&bare[..len]), Ok(None), "{kind:#x} up to {len}");
            }
        }
    }

    #[test]
    fn what_has_no_addresses_names_nobody_and_is_skipped() {
        let table: [(u8, u8, &[u8]); 9] = [
            (0x20, 0, b""),
            (0x20, 0, NOOP),
            (0x20, 0x11, V4),
            // The family of a connection of the proxy's own is ignored, whatever it is.
            (0x20, 0xff, b"abc"),
            (0x21, 0, b""),
            (0x21, 0x01, V4),
            (0x21, 0x10, b"abc"),
            (0x21, 0x31, &[b'/'; 216]),
            (0x21, 0x32, &[b'/'; 220]),
        ];
        for (command, kind, block) in table {
            let header = header(command, kind, block);
            assert_eq!(
                parse(&header),
                Ok(Some((header.len(), None))),
                "{command:#x} {kind:#x}"
            );
        }
    }

    #[test]
    fn what_is_not_specified_is_refused_at_its_byte() {
        let announced = |command, kind, len: u16| [SIGNATURE, &[command, kind], &len.to_be_bytes()].concat();
        let table = [
            (announced(0x11, 0x11, 12), 13, ProxyError::Version { version: 1 }),
            (announced(0x01, 0x11, 12), 13, ProxyError::Version { version: 0 }),
            (announced(0x22, 0x11, 12), 13, ProxyError::Command { command: 2 }),
            (announced(0x21, 0x41, 12), 14, ProxyError::Family { family: 4 }),
            (
                announced(0x21, 0x13, 12),
                14,
                ProxyError::Transport { transport: 3 },
            ),
            (
                announced(0x21, 0x11, 11),
                16,
                ProxyError::TooShort {
                    len: 11,
                    addresses: 12,
                },
            ),
            (
                announced(0x21, 0x21, 35),
                16,
                ProxyError::TooShort {
                    len: 35,
                    addresses: 36,
                },
            ),
            (
                announced(0x21, 0x31, 215),
                16,
                ProxyError::TooShort {
                    len: 215,
                    addresses: 216,
                },
            ),
            (
                announced(0x21, 0x11, 2049),
                16,
                ProxyError::TooLong {
                    len: 2049,
                    limit: 2048,
                },
            ),
            (
                announced(0x20, 0, 65535),
                16,
                ProxyError::TooLong {
                    len: 65535,
                    limit: 2048,
                },
            ),
        ];
        for (input, at, error) in table {
            assert_eq!(parse(&input[..at - 1]), Ok(None), "{error}");
            assert_eq!(parse(&input[..at]), Err(error), "{error}");
            assert_eq!(parse(&input), Err(error), "{error}");
        }
    }

    #[test]
    fn a_block_of_2048_bytes_passes() {
        let header = header(0x21, 0, &[0; 2048]);
        assert_eq!(parse(&header), Ok(Some((MAX_LEN, None))));
    }
}
