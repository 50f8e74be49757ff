//! An echo server on the core alone, over `std::net`: what an adapter does, in one file.
//!
//! `cargo run --example core-over-tcp -p tidewire-examples -- 127.0.0.1:9001`. It serves one connection after the
//! other, and while it writes it does not read: a peer that does the same is given up after the write timeout. The
//! adapters do better, and are longer.

use std::env;
use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant as SystemInstant};

use tidewire::proto::handshake::{Acceptance, HeadLimits, ServerHandshake, Upgrade};
use tidewire::proto::{Config, Connection, Event, Fate, Inbox, Instant, Server};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = serve(&Socket::new(stream?)) {
            println!("connection failed: {error}");
        }
    }
    Ok(())
}

fn serve(socket: &Socket) -> Result<(), Box<dyn Error>> {
    let rest = shake_hands(socket)?;
    converse(socket, rest)?;
    Ok(())
}

/// Answers the opening handshake; gives what the client sent behind it.
fn shake_hands(socket: &Socket) -> Result<Vec<u8>, Box<dyn Error>> {
    let timeout = Some(Duration::from_secs(10));
    let mut handshake = ServerHandshake::new(socket.now(), timeout, HeadLimits::default());
    let mut out = Vec::new();
    let upgrade = loop {
        let mut input = [0; 4096];
        let judged = match socket.read(&mut input, handshake.poll_timeout())? {
            Came::Bytes(bytes) => handshake.handle_input(bytes),
            Came::Nothing => handshake.handle_timeout(socket.now()).map(|()| None),
            Came::End => return Err("the client left before its request was whole".into()),
        };
        match judged.and_then(|request| request.map(|request| Upgrade::check(&request)).transpose()) {
            Ok(Some(upgrade)) => break upgrade,
            Ok(None) => {}
            Err(error) => {
                // Each refusal has its answer: 400, 405, 426, … An adapter goes on reading until the client has
                // closed: a socket dropped with unread input is reset, and the answer on its way lost.
                error.response().write(&mut out);
                (&socket.stream).write_all(&out)?;
                return Err(error.into());
            }
        }
    };
    // This server has neither a subprotocol nor a field of its own to add.
    upgrade.accept(&Acceptance::new(), &mut out)?;
    (&socket.stream).write_all(&out)?;
    Ok(handshake.take_rest())
}

/// Echoes until the connection has ended.
fn converse(socket: &Socket, rest: Vec<u8>) -> Result<(), Box<dyn Error>> {
    let mut connection = Connection::new(Server, Config::new(), socket.now());
    let mut inbox = Inbox::from(rest);
    let mut out = Vec::new();
    let mut input = vec![0; 16 * 1024];
    loop {
        // A turn: all input becomes events, and what is to be said for them is appended to the output.
        let (mut rx, mut tx) = connection.turn(socket.now(), &mut inbox, &mut out);
        loop {
            match rx.next(&mut tx) {
                Ok(Some(Event::Message(message))) => tx.message(message)?,
                // Pongs and the answer to a Close stand in the output already.
                Ok(Some(_)) => {}
                Ok(None) => break,
                // So does the Close frame that says what the client did wrong; it still has to leave.
                Err(error) => {
                    println!("protocol error: {error}");
                    break;
                }
            }
        }
        write(socket, &mut connection, &mut out)?;
        // What becomes of the socket is the core's to say: it knows who is to end TCP, and when enough is enough.
        match connection.fate() {
            Fate::HalfClose => socket.end_sending()?,
            Fate::Drop => break,
            _ => {}
        }
        match socket.read(&mut input, connection.poll_timeout())? {
            Came::Bytes(bytes) => inbox.extend(bytes),
            Came::Nothing => {}
            Came::End => connection.handle_end(),
        }
        // Keepalive, closing, a peer that does not read: all deadlines are met here.
        connection.handle_timeout(socket.now(), &mut out);
    }
    if let Some(closed) = connection.closed() {
        println!("closed with {}", closed.code());
    }
    Ok(())
}

/// Writes all output, or as much as leaves before the core gives the peer up.
fn write(socket: &Socket, connection: &mut Connection<Server>, out: &mut Vec<u8>) -> io::Result<()> {
    while !out.is_empty() && connection.fate() != Fate::Drop {
        let written = socket.write(out, connection.poll_timeout())?;
        out.drain(..written);
        // The core learns how writing goes: when a ping has left, and when nothing leaves any more.
        connection.handle_written(socket.now(), written, out.len(), out);
        connection.handle_timeout(socket.now(), out);
    }
    Ok(())
}

/// A socket, and the clock that the core is told the time of.
struct Socket {
    stream: TcpStream,
    opened: SystemInstant,
}

/// What reading gave.
enum Came<'b> {
    Bytes(&'b [u8]),
    /// The deadline came first.
    Nothing,
    End,
}

impl Socket {
    fn new(stream: TcpStream) -> Self {
        let opened = SystemInstant::now();
        Self { stream, opened }
    }

    fn now(&self) -> Instant {
        Instant::from_elapsed(self.opened.elapsed())
    }

    fn read<'b>(&self, buffer: &'b mut [u8], deadline: Option<Instant>) -> io::Result<Came<'b>> {
        self.stream.set_read_timeout(self.until(deadline))?;
        match (&self.stream).read(buffer) {
            Ok(0) => Ok(Came::End),
            Ok(len) => Ok(Came::Bytes(&buffer[..len])),
            Err(error) if is_interruption(&error) => Ok(Came::Nothing),
            // A reset after the last frame ends the connection as well as anything.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(Came::End),
            Err(error) => Err(error),
        }
    }

    fn write(&self, out: &[u8], deadline: Option<Instant>) -> io::Result<usize> {
        self.stream.set_write_timeout(self.until(deadline))?;
        match (&self.stream).write(out) {
            Err(error) if is_interruption(&error) => Ok(0),
            written => written,
        }
    }

    fn end_sending(&self) -> io::Result<()> {
        match self.stream.shutdown(Shutdown::Write) {
            // The client was faster.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            done => done,
        }
    }

    /// The time left, which the socket wants to be more than nothing.
    fn until(&self, deadline: Option<Instant>) -> Option<Duration> {
        deadline.map(|deadline| (deadline - self.now()).max(Duration::from_millis(1)))
    }
}

fn is_interruption(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
