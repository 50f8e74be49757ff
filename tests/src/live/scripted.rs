use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tidewire_proto::handshake::accept_key;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server that answers each request with the bytes it is told, then closes once the client has; keeps the heads.
#[derive(Debug)]
pub struct Scripted {
    address: SocketAddr,
    heads: Receiver<String>,
}

impl Scripted {
    /// Starts one on a free port; it ends with the process.
    ///
    /// # Panics
    /// Where there is no port.
    pub fn new(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (tell, heads) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &answer, &tell);
            }
        });
        Self { address, heads }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL that leads there.
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// The heads of the requests since it was asked before.
    pub fn heads(&self) -> Vec<String> {
        self.heads.try_iter().collect()
    }
}

/// A client that goes away half-way is none of the server's business.
fn serve(mut stream: TcpStream, answer: &impl Fn(&str) -> Vec<u8>, tell: &Sender<String>) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let answer = answer(&head);
    tell.send(head).ok()?;
    stream.write_all(&answer).ok()?;
    stream.shutdown(Shutdown::Write).ok()?;
    stream.read_to_end(&mut Vec::new()).map(drop).ok()
}

/// The consent to a request, with these lines beside those that it needs.
pub fn consent(head: &str, lines: &str) -> Vec<u8> {
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = accept_key(key.unwrap_or_default().as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: {accept}\r\n{lines}\r\n"
    )
    .into_bytes()
}
