use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tidewire_blocking::{ServerTls, TlsSocket, Transport};

use crate::support::PATIENCE;

/// A proxy of HTTP, SOCKS4, `SOCKS4a` and SOCKS5, perhaps over TLS, that leads everybody to one server, whatever it is asked
/// for, and notes every byte. It wants credentials of nobody, and takes them from whoever has any.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    tunnels: Receiver<Passed>,
}

/// What passed through a tunnel that has ended.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// What the proxy was told.
    pub(crate) told: Vec<u8>,
    /// What it passed on to the server, and so all that came to it.
    pub(crate) up: Vec<u8>,
    /// What it passed on to the client.
    pub(crate) down: Vec<u8>,
}

impl Relay {
    /// Starts one on a free port; it ends with the process.
    pub(crate) fn start(server: SocketAddr, tls: Option<ServerTls>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (tell, tunnels) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tell, tls) = (tell.clone(), tls.clone());
                // A client that goes away half-way is none of the proxy's business.
                thread::spawn(move || match tls {
                    None => relay(&(Arc::new(stream) as Arc<dyn Transport>), server, &tell),
                    Some(tls) => {
                        let secured = TlsSocket::accept(stream, &tls, Some(PATIENCE));
                        relay(
                            &(Arc::new(secured.map_err(io::Error::other)?) as Arc<dyn Transport>),
                            server,
                            &tell,
                        )
                    }
                });
            }
        });
        Self { address, tunnels }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What passed through the tunnel that ended next.
    pub(crate) fn passed(&self) -> Passed {
        self.tunnels.recv_timeout(PATIENCE).expect("a tunnel that ends")
    }

    /// How many tunnels have ended since it was asked before.
    pub(crate) fn count(&self) -> usize {
        self.tunnels.try_iter().count()
    }
}

fn relay(client: &Arc<dyn Transport>, server: SocketAddr, tell: &Sender<Passed>) -> io::Result<()> {
    let mut passed = Passed::default();
    let mut dialogue = Dialogue {
        client: &**client,
        told: &mut passed.told,
    };
    dialogue.lead()?;
    let server: Arc<dyn Transport> = Arc::new(TcpStream::connect(server)?);
    let (from, to) = (Arc::clone(client), Arc::clone(&server));
    let up = thread::spawn(move || pass(&*from, &*to));
    passed.down = pass(&*server, &**client);
    passed.up = up.join().expect("no panic");
    tell.send(passed).map_err(io::Error::other)
}

/// Passes on all that comes, and its end; gives what came.
fn pass(from: &dyn Transport, to: &dyn Transport) -> Vec<u8> {
    let mut noted = Vec::new();
    let mut buffer = Vec::with_capacity(4096);
    while let Ok(1..) = from.read(&mut buffer, Some(PATIENCE)) {
        noted.extend(&buffer);
        if say(to, &buffer).is_err() {
            break;
        }
        buffer.clear();
    }
    to.shutdown(Shutdown::Write).ok();
    noted
}

fn say(client: &dyn Transport, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = client.write(bytes, None)?;
        bytes = &bytes[written..];
    }
    client.flush(None)
}

struct Dialogue<'d> {
    client: &'d dyn Transport,
    told: &'d mut Vec<u8>,
}

impl Dialogue<'_> {
    fn lead(&mut self) -> io::Result<()> {
        match self.byte()? {
            4 => {
                let start = self.bytes(7)?;
                self.text()?;
                // SOCKS4a: an address that is none says that a name follows.
                if start[3..6] == [0; 3] {
                    self.text()?;
                }
                say(self.client, b"\0\x5a\0\0\0\0\0\0")
            }
            5 => {
                let count = self.byte()?;
                if self.bytes(count)?.contains(&2) {
                    say(self.client, b"\x05\x02")?;
                    self.byte()?;
                    for _ in 0..2 {
                        let len = self.byte()?;
                        self.bytes(len)?;
                    }
                    say(self.client, b"\x01\0")?;
                } else {
                    say(self.client, b"\x05\0")?;
                }
                let start = self.bytes(4)?;
                let len = match start[3] {
                    1 => 4,
                    4 => 16,
                    _ => self.byte()?,
                };
                self.bytes(len + 2)?;
                say(self.client, b"\x05\0\0\x03\x04here\0\0")
            }
            _ => {
                while !self.told.ends_with(b"\r\n\r\n") {
                    self.byte()?;
                }
                say(self.client, b"HTTP/1.1 200 Connection established\r\n\r\n")
            }
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    fn bytes(&mut self, len: u8) -> io::Result<Vec<u8>> {
        let start = self.told.len();
        for _ in 0..len {
            let mut byte = Vec::with_capacity(1);
            if self.client.read(&mut byte, Some(PATIENCE))? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.told.extend(byte);
        }
        Ok(self.told[start..].to_vec())
    }

    /// Up to a NUL.
    fn text(&mut self) -> io::Result<()> {
        while self.byte()? != 0 {}
        Ok(())
    }
}
