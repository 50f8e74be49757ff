use std::borrow::Cow;
use std::fmt;
use std::io;

use tidewire_proto::handshake::{InvalidField, Response, ResponseError};

use crate::client::retry::is_busy;

/// Why a proxy did not connect us to a server. It names both, and shows no credentials.
#[derive(Debug, thiserror::Error)]
#[error("proxy {}, asked for {}: {}", .0.proxy, .0.endpoint.escape_debug(), .0.fault)]
pub struct TunnelError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    proxy: String,
    endpoint: String,
    fault: TunnelFault,
}

/// What went wrong between a client and a proxy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TunnelFault {
    /// An HTTP proxy answered `CONNECT` with another status than 200 to 299: with 407, where it wants credentials, or
    /// others. The body is as much of it as was kept.
    #[error(fmt = write_refusal)]
    Refused(Box<Response>),
    /// An HTTP proxy's response breaks a rule or a limit.
    #[error(transparent)]
    Response(ResponseError),
    /// A SOCKS4 proxy refused.
    #[error("refused with reply {reply}, {}", socks4_reply(*.reply))]
    Socks4 {
        /// Its reply.
        reply: u8,
    },
    /// A SOCKS5 proxy refused.
    #[error("refused with reply {reply}, {}", socks5_reply(*.reply))]
    Socks5 {
        /// Its reply.
        reply: u8,
    },
    /// A SOCKS5 proxy wants credentials, or another method that was not offered, and has none.
    #[error("it wants credentials, and none are set")]
    CredentialsRequired,
    /// A SOCKS5 proxy takes neither user and password nor nothing.
    #[error("it takes neither a user with a password nor nothing")]
    NoMethod,
    /// A SOCKS5 proxy refused the user and the password.
    #[error("it refused the user and the password")]
    CredentialsRefused,
    /// What a SOCKS proxy sent has another version.
    #[error("first byte {version:#04x} of an answer: {required:#04x} is required")]
    Version {
        /// The version.
        version: u8,
        /// That which is required.
        required: u8,
    },
    /// A SOCKS5 proxy chose a method that was not offered.
    #[error("it chose method {method}, which was not offered")]
    Method {
        /// The method.
        method: u8,
    },
    /// A SOCKS5 proxy replied with an address of a type that there is not.
    #[error("address of type {kind} in a reply: 1, 3 or 4 is required")]
    AddressType {
        /// The type.
        kind: u8,
    },
    /// An HTTP proxy cannot be asked for such a host.
    #[error(transparent)]
    Endpoint(InvalidField),
    /// A SOCKS proxy cannot be asked for such a name.
    #[error("{}", name_rule(*.len))]
    Name {
        /// The length, in bytes, of a name that is longer than 255; or else it is empty, or has a byte that no name has.
        len: usize,
    },
    /// A SOCKS4 proxy cannot be asked for an IPv6 address.
    #[error("IPv6 address: SOCKS4 knows those of IPv4 alone")]
    Ipv6,
    /// The server has no address that a proxy could be told: what was set in its place is a Unix socket, or none at all.
    #[error("no address that a proxy could be told")]
    NoAddress,
    /// The proxy ended the stream.
    #[error("stream ended before an answer")]
    UnexpectedEnd,
    /// The transport failed.
    #[error(transparent)]
    Io(io::Error),
}

impl TunnelError {
    pub(crate) fn new((proxy, endpoint): (String, String), fault: TunnelFault) -> Self {
        Self(Box::new(Inner {
            proxy,
            endpoint,
            fault,
        }))
    }

    /// The proxy: its URL, without credentials.
    pub fn proxy(&self) -> &str {
        &self.0.proxy
    }

    /// The server that it was asked for, as it was told.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// What went wrong.
    pub fn fault(&self) -> &TunnelFault {
        &self.0.fault
    }

    /// The response of an HTTP proxy that refused: status, fields and up to 64 KiB of its body.
    pub fn response(&self) -> Option<&Response> {
        match &self.0.fault {
            TunnelFault::Refused(response) => Some(response),
            TunnelFault::Response(_)
            | TunnelFault::Socks4 { .. }
            | TunnelFault::Socks5 { .. }
            | TunnelFault::CredentialsRequired
            | TunnelFault::NoMethod
            | TunnelFault::CredentialsRefused
            | TunnelFault::Version { .. }
            | TunnelFault::Method { .. }
            | TunnelFault::AddressType { .. }
            | TunnelFault::Endpoint(_)
            | TunnelFault::Name { .. }
            | TunnelFault::Ipv6
            | TunnelFault::NoAddress
            | TunnelFault::UnexpectedEnd
            | TunnelFault::Io(_) => None,
        }
    }

    /// Whether another attempt may come further: the stream or the proxy's way to the server failed, and nobody refused.
    pub fn is_transient(&self) -> bool {
        match &self.0.fault {
            TunnelFault::Refused(response) => is_busy(response),
            // RFC 1928 §6: a general failure, three ways not to reach the server, and a TTL that expired.
            TunnelFault::Socks5 { reply } => matches!(reply, 1 | 3..=6),
            // It stands for a server that cannot be reached, too.
            TunnelFault::Socks4 { reply } => *reply == 91,
            TunnelFault::UnexpectedEnd | TunnelFault::Io(_) => true,
            TunnelFault::Response(_)
            | TunnelFault::CredentialsRequired
            | TunnelFault::NoMethod
            | TunnelFault::CredentialsRefused
            | TunnelFault::Version { .. }
            | TunnelFault::Method { .. }
            | TunnelFault::AddressType { .. }
            | TunnelFault::Endpoint(_)
            | TunnelFault::Name { .. }
            | TunnelFault::Ipv6
            | TunnelFault::NoAddress => false,
        }
    }
}

fn write_refusal(response: &Response, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "refused with status {}", response.status())?;
    match response.reason() {
        "" => Ok(()),
        reason => {
            // A peer's words, in one short line.
            let reason: String = reason.chars().take(64).collect();
            write!(f, " {}", reason.escape_debug())
        }
    }
}

fn name_rule(len: usize) -> Cow<'static, str> {
    match len {
        256.. => format!("name has {len} bytes: SOCKS allows 255").into(),
        _ => "name that SOCKS cannot tell: visible ASCII is required".into(),
    }
}

/// What a reply of SOCKS4 means.
fn socks4_reply(reply: u8) -> &'static str {
    match reply {
        91 => "request rejected or failed",
        92 => "no identd of ours answers the proxy",
        93 => "our identd names another user",
        _ => "which SOCKS4 does not have",
    }
}

/// What a reply of SOCKS5 means (RFC 1928 §6).
fn socks5_reply(reply: u8) -> &'static str {
    match reply {
        1 => "general failure of the proxy",
        2 => "not allowed by the proxy's rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "which SOCKS5 does not have",
    }
}
