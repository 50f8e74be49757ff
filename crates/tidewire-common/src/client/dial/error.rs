use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::destination::Destination;

/// Why nothing could be connected to. `Display` tells all of it in one line: what was tried, and what came back.
///
/// ```
/// # use tidewire_common::dial::{Destination, DialError};
/// let error = DialError::Addresses {
///     destination: Destination::Host { name: "example.com".into(), port: 80 },
///     attempts: vec![
///         ("[2001:db8::1]:80".parse()?, std::io::Error::other("network is unreachable")),
///         ("192.0.2.1:80".parse()?, std::io::Error::other("connection refused")),
///     ],
/// };
/// assert_eq!(
///     error.to_string(),
///     "example.com:80 cannot be reached: [2001:db8::1]:80: network is unreachable; 192.0.2.1:80: connection refused"
/// );
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The host's name could not be looked up.
    #[error("{destination} cannot be looked up: {error}")]
    LookUp {
        /// The host.
        destination: Destination,
        /// What the system's resolver says.
        error: io::Error,
    },
    /// No address could be connected to.
    #[error(fmt = write_attempts)]
    Addresses {
        /// The host, or the addresses that were set in its place.
        destination: Destination,
        /// The addresses that were tried and what came back, in the order of failure; none where the host has none.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The Unix socket could not be connected to.
    #[error("{} cannot be reached: {error}", .path.display())]
    Unix {
        /// Its path.
        path: PathBuf,
        /// What came back.
        error: io::Error,
    },
}

fn write_attempts(
    destination: &Destination,
    attempts: &[(SocketAddr, io::Error)],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match attempts {
        [] => write!(f, "{destination} has no address"),
        // The address is the destination; once is enough.
        [(address, error)] if address.to_string() == destination.to_string() => {
            write!(f, "{address} cannot be reached: {error}")
        }
        attempts => {
            write!(f, "{destination} cannot be reached")?;
            for (index, (address, error)) in attempts.iter().enumerate() {
                let mark = if index == 0 { ':' } else { ';' };
                write!(f, "{mark} {address}: {error}")?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(destination: Destination, addresses: &[&str]) -> String {
        let attempt = |address: &&str| {
            let address = address.parse().expect("an address");
            (address, io::Error::other("refused"))
        };
        let attempts = addresses.iter().map(attempt).collect();
        DialError::Addresses {
            destination,
            attempts,
        }
        .to_string()
    }

    #[test]
    fn an_error_names_the_destination_and_every_address() {
        let host = |name: &str| Destination::Host {
            name: name.into(),
            port: 80,
        };
        let table = [
            (
                failed(host("a.test"), &["[::1]:80", "127.0.0.1:80"]),
                "a.test:80 cannot be reached: [::1]:80: refused; 127.0.0.1:80: refused",
            ),
            (failed(host("a.test"), &[]), "a.test:80 has no address"),
            (
                failed(host("::1"), &["[::1]:80"]),
                "[::1]:80 cannot be reached: refused",
            ),
            (
                DialError::Unix {
                    path: "/run/a.sock".into(),
                    error: io::Error::other("refused"),
                }
                .to_string(),
                "/run/a.sock cannot be reached: refused",
            ),
            (
                DialError::LookUp {
                    destination: host("a.test"),
                    error: io::Error::other("no such name"),
                }
                .to_string(),
                "a.test:80 cannot be looked up: no such name",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(text, expected);
        }
    }
}
