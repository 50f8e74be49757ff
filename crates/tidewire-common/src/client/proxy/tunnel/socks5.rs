use std::mem;
use std::net::SocketAddr;

use super::error::TunnelFault;
use crate::client::proxy::endpoint::Endpoint;
use crate::credentials::Credentials;

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const RESERVED: u8 = 0;
const SUCCEEDED: u8 = 0;

/// RFC 1928 §3: methods of authentication.
const NONE: u8 = 0;
const PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
/// RFC 1929: the version of its own dialogue.
const PASSWORD_VERSION: u8 = 1;

/// RFC 1928 §5: types of addresses.
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// The dialogue of SOCKS5 (RFC 1928): a method is chosen, credentials are shown if that is the method, and the server is
/// asked for.
pub(super) struct Socks5 {
    stage: Stage,
    credentials: Option<Credentials>,
    /// What asks for the server, until it is sent.
    request: Vec<u8>,
    /// Of an answer that is not complete: at most 262 bytes.
    received: Vec<u8>,
}

/// The answer that is awaited.
#[derive(Clone, Copy)]
enum Stage {
    Method,
    Credentials,
    Reply,
}

/// What a stage comes to.
enum Next {
    /// As many more bytes of its answer.
    More(usize),
    Stage(Stage),
    Open,
}

impl Socks5 {
    pub(super) fn new(
        credentials: Option<Credentials>,
        endpoint: &Endpoint,
        out: &mut Vec<u8>,
    ) -> Result<Self, TunnelFault> {
        let mut request = vec![VERSION, CONNECT, RESERVED];
        let port = match endpoint {
            Endpoint::Name { name, port } => {
                let name = check_name(name)?;
                request.extend([NAME, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
                request.extend(name);
                *port
            }
            Endpoint::Address(SocketAddr::V4(address)) => {
                request.push(IPV4);
                request.extend(address.ip().octets());
                address.port()
            }
            Endpoint::Address(SocketAddr::V6(address)) => {
                request.push(IPV6);
                request.extend(address.ip().octets());
                address.port()
            }
        };
        request.extend(port.to_be_bytes());
        let methods: &[u8] = match credentials {
            Some(_) => &[VERSION, 2, NONE, PASSWORD],
            None => &[VERSION, 1, NONE],
        };
        out.extend(methods);
        Ok(Self {
            stage: Stage::Method,
            credentials,
            request,
            received: Vec::new(),
        })
    }

    pub(super) fn handle_input(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Vec<u8>>, TunnelFault> {
        loop {
            let next = match self.stage {
                Stage::Method => self.read_method(out),
                Stage::Credentials => self.read_verdict(out),
                Stage::Reply => self.read_reply(),
            };
            match next? {
                Next::More(_) if input.is_empty() => return Ok(None),
                Next::More(missing) => {
                    let (taken, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
                    self.received.extend(taken);
                    input = rest;
                }
                Next::Stage(stage) => {
                    self.received.clear();
                    self.stage = stage;
                }
                Next::Open => return Ok(Some(input.to_vec())),
            }
        }
    }

    fn read_method(&mut self, out: &mut Vec<u8>) -> Result<Next, TunnelFault> {
        let [_, method] = match *self.received {
            [version, ..] if version != VERSION => return Err(wrong(version, VERSION)),
            [version, method] => [version, method],
            _ => return Ok(Next::More(2 - self.received.len())),
        };
        match (method, self.credentials.take()) {
            (NONE, _) => {
                out.append(&mut mem::take(&mut self.request));
                Ok(Next::Stage(Stage::Reply))
            }
            (PASSWORD, Some(credentials)) => {
                out.push(PASSWORD_VERSION);
                for part in [credentials.user(), credentials.password()] {
                    // Their lengths were checked when they were set.
                    out.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
                    out.extend(part.as_bytes());
                }
                Ok(Next::Stage(Stage::Credentials))
            }
            (NO_METHOD, Some(_)) => Err(TunnelFault::NoMethod),
            (NO_METHOD, None) => Err(TunnelFault::CredentialsRequired),
            (method, _) => Err(TunnelFault::Method { method }),
        }
    }

    /// What was said of the credentials.
    fn read_verdict(&mut self, out: &mut Vec<u8>) -> Result<Next, TunnelFault> {
        match *self.received {
            [version, ..] if version != PASSWORD_VERSION => Err(wrong(version, PASSWORD_VERSION)),
            [_, SUCCEEDED] => {
                out.append(&mut mem::take(&mut self.request));
                Ok(Next::Stage(Stage::Reply))
            }
            // RFC 1929 §2: "If the server returns a `failure' (STATUS value other than X'00') status, it MUST close
            // the connection."
            [_, _] => Err(TunnelFault::CredentialsRefused),
            _ => Ok(Next::More(2 - self.received.len())),
        }
    }

    fn read_reply(&self) -> Result<Next, TunnelFault> {
        // As early as can be: who refuses may not send the rest.
        let address_len = match *self.received {
            [version, ..] if version != VERSION => return Err(wrong(version, VERSION)),
            [_, reply, ..] if reply != SUCCEEDED => return Err(TunnelFault::Socks5 { reply }),
            [_, _, _, IPV4, ..] => 4,
            [_, _, _, IPV6, ..] => 16,
            [_, _, _, NAME, len, ..] => 1 + usize::from(len),
            [_, _, _, NAME] => return Ok(Next::More(1)),
            [_, _, _, kind, ..] => return Err(TunnelFault::AddressType { kind }),
            _ => return Ok(Next::More(4 - self.received.len())),
        };
        // The address is the proxy's, with a port of two bytes.
        match 4 + address_len + 2 - self.received.len() {
            0 => Ok(Next::Open),
            missing => Ok(Next::More(missing)),
        }
    }
}

fn wrong(version: u8, required: u8) -> TunnelFault {
    TunnelFault::Version { version, required }
}

/// A name that SOCKS can tell: a NUL would end it in `SOCKS4a`, and its length is one byte in SOCKS5.
pub(super) fn check_name(name: &str) -> Result<&[u8], TunnelFault> {
    let name = name.as_bytes();
    match (name.len(), name.iter().all(u8::is_ascii_graphic)) {
        (1..=255, true) => Ok(name),
        (len, _) => Err(TunnelFault::Name { len }),
    }
}
