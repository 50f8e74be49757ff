use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tidewire_blocking::{ServerTls, TlsSocket, Transport};
use tidewire_tests::live::consent;

use crate::support::PATIENCE;

/// A server that accepts everybody, perhaps over TLS, and notes every byte that it is sent, as it is without TLS.
#[derive(Debug)]
pub(crate) struct Origin {
    address: SocketAddr,
    received: Receiver<Vec<u8>>,
}

impl Origin {
    /// Starts one on a free port; it ends with the process.
    pub(crate) fn start(tls: Option<ServerTls>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (tell, received) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away half-way is told of by what is missing.
                serve(stream, tls.as_ref(), &tell).ok();
            }
        });
        Self { address, received }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the connection sent that ended next.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.received
            .recv_timeout(PATIENCE)
            .expect("a connection that ends")
    }
}

fn serve(stream: TcpStream, tls: Option<&ServerTls>, tell: &Sender<Vec<u8>>) -> io::Result<()> {
    let stream: Box<dyn Transport> = match tls {
        None => Box::new(stream),
        Some(tls) => Box::new(TlsSocket::accept(stream, tls, Some(PATIENCE)).map_err(io::Error::other)?),
    };
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        received.reserve(1);
        if stream.read(&mut received, Some(PATIENCE))? == 0 {
            break;
        }
    }
    let answer = consent(&String::from_utf8_lossy(&received), "");
    stream.write(&answer, Some(PATIENCE))?;
    // A Close of ours, which the client answers before it ends the stream.
    stream.write(b"\x88\x02\x03\xe8", Some(PATIENCE))?;
    stream.flush(Some(PATIENCE))?;
    stream.shutdown(Shutdown::Write)?;
    loop {
        received.reserve(4096);
        match stream.read(&mut received, Some(PATIENCE)) {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    tell.send(received).map_err(io::Error::other)
}
