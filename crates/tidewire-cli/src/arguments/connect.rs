use std::path::PathBuf;

use clap::Args;

use super::CompressionArguments;

const EXAMPLES: &str = "\
Examples:
  tidewire connect ws://127.0.0.1:9001
      Sends each line that is typed, prints each message that comes; ^D closes.
  tidewire connect ws://localhost/room --unix /run/tidewire/socket
      The same over a Unix socket, on which the server listens.
  tidewire connect wss://example.com --tls-roots our-authority.pem
      Over TLS; without --tls-roots, whoever the system trusts is trusted.
  echo hello | tidewire connect ws://127.0.0.1:9001
      Sends one message, closes, and prints what comes until the server has closed as well.

Messages are printed one a line, with control characters escaped; binary ones in hexadecimal.
The exit code is 0 after a clean close, 1 after any other end, 2 where there was no connection.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConnectArguments {
    /// The server, as ws://HOST:PORT/PATH, or wss:// for TLS.
    pub(crate) url: String,

    /// Connects over this Unix socket; the request has the URL's host and path all the same.
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) compression: CompressionArguments,

    #[command(flatten)]
    pub(crate) tls: ClientTlsArguments,
}

/// Whom a client trusts, and who it is.
#[derive(Args, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "TLS, for wss://")]
pub(crate) struct ClientTlsArguments {
    /// Trusts the certificates in this file (PEM), and what they have signed, in place of whom the system trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_roots: Option<PathBuf>,

    /// The certificate to show, and those that lead from it to a root, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,

    /// Its private key without a passphrase, as PEM; may be in the same file.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Asks for this server, and takes a certificate for this name alone, in place of the URL's host.
    #[arg(long, value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,

    /// Trusts anybody: whoever is on the way can read and change everything.
    #[arg(long, conflicts_with = "tls_roots")]
    pub(crate) insecure: bool,
}
