use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::unix::net::UnixListener;

use tidewire::blocking::listen;

use super::socket_file::SocketFile;
use crate::arguments::ListeningArguments;
use crate::failure::Failure;
use crate::shown::Escaped;

/// Where it listens when nobody says where.
const DEFAULT: &str = "127.0.0.1:9001";

/// A listener of one of the runtimes.
pub(super) trait RuntimeListener: Sized {
    /// Those that whoever started this process handed over.
    fn inherited() -> io::Result<Vec<Self>>;

    fn tcp(listener: TcpListener) -> io::Result<Self>;

    fn unix(listener: UnixListener) -> io::Result<Self>;

    /// Where it listens, if that is an internet address.
    fn address(&self) -> Option<SocketAddr>;
}

/// All that a server listens on.
pub(super) struct Listening<L> {
    pub(super) first: L,
    pub(super) others: Vec<L>,
    pub(super) places: Places,
}

/// Where that is; drop it when nobody listens any more, which removes the files.
#[derive(Debug)]
pub(super) struct Places {
    addresses: Vec<SocketAddr>,
    files: Vec<SocketFile>,
    /// How many Unix sockets were handed over: who made them knows where they are.
    handed_over: usize,
}

impl<L: RuntimeListener> Listening<L> {
    /// Listens on what was handed over and where the arguments say; where that is nowhere, on the default.
    pub(super) fn open(arguments: &ListeningArguments) -> Result<Self, Failure> {
        let bind = if arguments.reuse_port {
            listen::reuse_port
        } else {
            listen::bind
        };
        let tcp = |address: &str| {
            let listener = resolve(address, bind).and_then(L::tcp);
            listener.map_err(|error| not_listening(address, &error))
        };
        let mut listeners = L::inherited().map_err(|error| not_listening("what was handed over", &error))?;
        for address in &arguments.listen {
            listeners.push(tcp(address)?);
        }
        let mut files = Vec::new();
        for path in &arguments.unix {
            let listening = SocketFile::listen(path).and_then(|(listener, file)| {
                files.push(file);
                L::unix(listener)
            });
            listeners.push(listening.map_err(|error| not_listening(&path.to_string_lossy(), &error))?);
        }
        if listeners.is_empty() {
            listeners.push(tcp(DEFAULT)?);
        }
        let addresses: Vec<_> = listeners.iter().filter_map(L::address).collect();
        let places = Places {
            handed_over: listeners.len() - addresses.len() - files.len(),
            addresses,
            files,
        };
        let first = listeners.remove(0);
        Ok(Self {
            first,
            others: listeners,
            places,
        })
    }
}

impl Places {
    /// Prints a line for each; flushed, since whoever started the server waits for them.
    pub(super) fn announce(&self, scheme: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let mut print = || {
            for address in &self.addresses {
                writeln!(stdout, "listening on {scheme}://{address}")?;
            }
            for file in &self.files {
                writeln!(stdout, "listening on {}", Escaped(&file.path().to_string_lossy()))?;
            }
            for _ in 0..self.handed_over {
                writeln!(stdout, "listening on a Unix socket that was handed over")?;
            }
            stdout.flush()
        };
        print().map_err(|error| Failure::start("standard output", error))
    }
}

/// Listens on the first address of a name that can be had.
fn resolve(address: &str, bind: fn(SocketAddr) -> io::Result<TcpListener>) -> io::Result<TcpListener> {
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for address in address.to_socket_addrs()? {
        match bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn not_listening(place: &str, error: &io::Error) -> Failure {
    Failure::start(format_args!("cannot listen on {}", Escaped(place)), error)
}
