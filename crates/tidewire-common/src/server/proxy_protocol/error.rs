use std::error::Error as StdError;
use std::fmt;

/// How the beginning of a connection breaks the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyError {
    /// It does not begin with a PROXY header of either version.
    Absent {
        /// The first byte that differs.
        byte: u8,
        /// How many bytes stand before it.
        at: usize,
    },
    /// A line of version 1 is longer than it may be.
    LineTooLong {
        /// The limit, in bytes, with CRLF.
        limit: usize,
    },
    /// A line of version 1 ends with LF alone.
    BareLineFeed,
    /// In a line of version 1, a CR is not followed by LF.
    BareCarriageReturn,
    /// A line of version 1 names another protocol than TCP over IPv4, over IPv6, or an unknown one.
    Protocol,
    /// A line of version 1 has too few words, or too many.
    WordCount {
        /// How many it has.
        count: usize,
    },
    /// A line of version 1 has an address that cannot be read, or one of the other family.
    Address {
        /// What was to stand there.
        word: &'static str,
    },
    /// A line of version 1 has a port that cannot be read.
    Port {
        /// What was to stand there.
        word: &'static str,
    },
    /// The binary header has another version than 2.
    Version {
        /// The version.
        version: u8,
    },
    /// Version 2 has another command than LOCAL and PROXY.
    Command {
        /// The command.
        command: u8,
    },
    /// Version 2 has an address family that is not specified.
    Family {
        /// The family.
        family: u8,
    },
    /// Version 2 has a transport that is not specified.
    Transport {
        /// The transport.
        transport: u8,
    },
    /// Version 2 announces too few bytes for the addresses that it announces.
    TooShort {
        /// What it announces, in bytes.
        len: usize,
        /// What the addresses take, in bytes.
        addresses: usize,
    },
    /// Version 2 announces more bytes than the limit.
    TooLong {
        /// What it announces, in bytes.
        len: usize,
        /// The limit, in bytes.
        limit: usize,
    },
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { byte, at } => {
                write!(
                    f,
                    "byte {byte:#04x} at {at} is not that of a PROXY header, which is required"
                )
            }
            Self::LineTooLong { limit } => write!(f, "PROXY line exceeds the limit of {limit} bytes"),
            Self::BareLineFeed => f.write_str("PROXY line ended with LF alone: CRLF is required"),
            Self::BareCarriageReturn => f.write_str("CR stands alone in the PROXY line: CRLF is required"),
            Self::Protocol => f.write_str("protocol in the PROXY line is not TCP4, TCP6 or UNKNOWN"),
            Self::WordCount { count } => {
                write!(
                    f,
                    "PROXY line has {count} words with single spaces between them in place of 6"
                )
            }
            Self::Address { word } => {
                write!(
                    f,
                    "{word} in the PROXY line is not an address of the line's family"
                )
            }
            Self::Port { word } => {
                write!(
                    f,
                    "{word} in the PROXY line is not a number from 0 to 65535 without leading zeros"
                )
            }
            Self::Version { version } => write!(f, "version {version} of the binary PROXY header is not 2"),
            Self::Command { command } => write!(f, "command {command} of the PROXY header is not 0 or 1"),
            Self::Family { family } => {
                write!(
                    f,
                    "address family {family} of the PROXY header is not one of 0 to 3"
                )
            }
            Self::Transport { transport } => {
                write!(
                    f,
                    "transport {transport} of the PROXY header is not one of 0 to 2"
                )
            }
            Self::TooShort { len, addresses } => {
                write!(
                    f,
                    "PROXY header announces {len} bytes: its addresses take {addresses}"
                )
            }
            Self::TooLong { len, limit } => {
                write!(f, "PROXY header announces {len} bytes: the limit is {limit}")
            }
        }
    }
}

impl StdError for ProxyError {}
