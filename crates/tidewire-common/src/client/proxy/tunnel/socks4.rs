use std::net::{Ipv4Addr, SocketAddr};

use super::error::TunnelFault;
use super::socks5::check_name;
use crate::client::proxy::endpoint::Endpoint;
use crate::credentials::Credentials;

const VERSION: u8 = 4;
const CONNECT: u8 = 1;
const GRANTED: u8 = 90;
/// The version of replies, as opposed to requests.
const REPLY_VERSION: u8 = 0;
/// A version, a code, and an address with its port, which means nothing here.
const REPLY_LEN: usize = 8;
/// `SOCKS4a`: "the client should set the first three bytes of DSTIP to NULL and the last byte to a non-zero value".
const NAME_FOLLOWS: Ipv4Addr = Ipv4Addr::new(0, 0, 0, 1);

/// The dialogue of SOCKS4, with the names of `SOCKS4a`: one request and one reply.
pub(super) struct Socks4 {
    /// Of the reply, which is not complete.
    received: Vec<u8>,
}

impl Socks4 {
    pub(super) fn new(
        credentials: Option<&Credentials>,
        endpoint: &Endpoint,
        out: &mut Vec<u8>,
    ) -> Result<Self, TunnelFault> {
        let (address, port, name) = match endpoint {
            Endpoint::Name { name, port } => (NAME_FOLLOWS, *port, Some(check_name(name)?)),
            Endpoint::Address(SocketAddr::V4(address)) => (*address.ip(), address.port(), None),
            Endpoint::Address(SocketAddr::V6(address)) => {
                let mapped = address.ip().to_ipv4_mapped();
                (mapped.ok_or(TunnelFault::Ipv6)?, address.port(), None)
            }
        };
        out.extend([VERSION, CONNECT]);
        out.extend(port.to_be_bytes());
        out.extend(address.octets());
        // Neither a user nor a name has a NUL.
        out.extend(credentials.map_or(&b""[..], |credentials| credentials.user().as_bytes()));
        out.push(0);
        if let Some(name) = name {
            out.extend(name);
            out.push(0);
        }
        Ok(Self { received: Vec::new() })
    }

    pub(super) fn handle_input(&mut self, input: &[u8]) -> Result<Option<Vec<u8>>, TunnelFault> {
        let (reply, rest) = input
            .split_at_checked(REPLY_LEN - self.received.len())
            .unwrap_or((input, &[]));
        self.received.extend(reply);
        // As early as can be: who refuses may not send the rest.
        match *self.received {
            [version, ..] if version != REPLY_VERSION => Err(TunnelFault::Version {
                version,
                required: REPLY_VERSION,
            }),
            [_, reply, ..] if reply != GRANTED => Err(TunnelFault::Socks4 { reply }),
            _ => Ok((self.received.len() == REPLY_LEN).then(|| rest.to_vec())),
        }
    }
}
