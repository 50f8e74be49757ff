/// How the beginning of a connection breaks the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// It does not begin with a PROXY header of either version.
    #[error("byte {byte:#04x} at {at} is not that of a PROXY header, which is required")]
    Absent {
        /// The first byte that differs.
        byte: u8,
        /// How many bytes stand before it.
        at: usize,
    },
    /// A line of version 1 is longer than it may be.
    #[error("PROXY line exceeds the limit of {limit} bytes")]
    LineTooLong {
        /// The limit, in bytes, with CRLF.
        limit: usize,
    },
    /// A line of version 1 ends with LF alone.
    #[error("PROXY line ended with LF alone: CRLF is required")]
    BareLineFeed,
    /// In a line of version 1, a CR is not followed by LF.
    #[error("CR stands alone in the PROXY line: CRLF is required")]
    BareCarriageReturn,
    /// A line of version 1 names another protocol than TCP over IPv4, over IPv6, or an unknown one.
    #[error("protocol in the PROXY line is not TCP4, TCP6 or UNKNOWN")]
    Protocol,
    /// A line of version 1 has too few words, or too many.
    #[error("PROXY line has {count} words with single spaces between them in place of 6")]
    WordCount {
        /// How many it has.
        count: usize,
    },
    /// A line of version 1 has an address that cannot be read, or one of the other family.
    #[error("{word} in the PROXY line is not an address of the line's family")]
    Address {
        /// What was to stand there.
        word: &'static str,
    },
    /// A line of version 1 has a port that cannot be read.
    #[error("{word} in the PROXY line is not a number from 0 to 65535 without leading zeros")]
    Port {
        /// What was to stand there.
        word: &'static str,
    },
    /// The binary header has another version than 2.
    #[error("version {version} of the binary PROXY header is not 2")]
    Version {
        /// The version.
        version: u8,
    },
    /// Version 2 has another command than LOCAL and PROXY.
    #[error("command {command} of the PROXY header is not 0 or 1")]
    Command {
        /// The command.
        command: u8,
    },
    /// Version 2 has an address family that is not specified.
    #[error("address family {family} of the PROXY header is not one of 0 to 3")]
    Family {
        /// The family.
        family: u8,
    },
    /// Version 2 has a transport that is not specified.
    #[error("transport {transport} of the PROXY header is not one of 0 to 2")]
    Transport {
        /// The transport.
        transport: u8,
    },
    /// Version 2 announces too few bytes for the addresses that it announces.
    #[error("PROXY header announces {len} bytes: its addresses take {addresses}")]
    TooShort {
        /// What it announces, in bytes.
        len: usize,
        /// What the addresses take, in bytes.
        addresses: usize,
    },
    /// Version 2 announces more bytes than the limit.
    #[error("PROXY header announces {len} bytes: the limit is {limit}")]
    TooLong {
        /// What it announces, in bytes.
        len: usize,
        /// The limit, in bytes.
        limit: usize,
    },
}
