use std::error::Error;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use tidewire_benches::KEY;
use tidewire_proto::frame::mask;

use crate::server::ServerProcess;
use crate::settings::{Payload, Setting, Talk};
use crate::tls::{self, TlsStream};

/// A connection that has echoed its message.
pub(crate) struct Connection(Box<dyn Stream>);

impl Connection {
    /// Ends the connection, and waits until the server has.
    pub(crate) fn close(mut self) -> std::io::Result<()> {
        let socket = self.0.socket();
        socket.shutdown(Shutdown::Write)?;
        socket.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

/// What a connection is carried by.
trait Stream: Read + Write {
    fn socket(&mut self) -> &mut TcpStream;
}

impl Stream for TcpStream {
    fn socket(&mut self) -> &mut TcpStream {
        self
    }
}

impl Stream for TlsStream {
    fn socket(&mut self) -> &mut TcpStream {
        &mut self.sock
    }
}

/// Connects, sends one message and checks that it comes back. The bytes are made by hand: nothing that is measured
/// has a part in them.
pub(crate) fn open(
    server: &ServerProcess,
    setting: &Setting,
    message: &[u8],
) -> Result<Connection, Box<dyn Error>> {
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], server.port())))?;
    stream.set_nodelay(true)?;
    let mut stream: Box<dyn Stream> = match server.tls() {
        None => Box::new(stream),
        Some(config) => Box::new(tls::connect(config.clone(), stream)?),
    };
    let reply = match &setting.talk {
        Talk::Raw => {
            stream.write_all(message)?;
            read_exactly(stream.as_mut(), message.len())?
        }
        Talk::WebSocket {
            fields,
            agreed,
            encode,
            decode,
        } => {
            shake_hands(stream.as_mut(), fields, agreed)?;
            stream.write_all(&frame(&encode(message)))?;
            decode(&read_frame(stream.as_mut())?)
        }
    };
    if reply == message {
        Ok(Connection(stream))
    } else {
        Err(format!("{}: the reply is not the message", setting.name).into())
    }
}

fn shake_hands(stream: &mut dyn Stream, fields: &str, agreed: &str) -> Result<(), Box<dyn Error>> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        response.extend(read_exactly(stream, 1)?);
    }
    let response = String::from_utf8(response)?.to_lowercase();
    if response.starts_with("http/1.1 101 ") && response.contains(agreed) {
        Ok(())
    } else {
        Err(format!("response without {agreed:?}: {response}").into())
    }
}

/// A binary message in one masked frame.
fn frame(payload: &Payload) -> Vec<u8> {
    let mut bytes = vec![if payload.rsv1 { 0xc2 } else { 0x82 }];
    let len = payload.bytes.len();
    match u16::try_from(len) {
        Ok(short @ 0..=125) => bytes.push(0x80 | short.to_be_bytes()[1]),
        Ok(len) => {
            bytes.push(0xfe);
            bytes.extend(len.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0xff);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(KEY);
    mask::append(KEY, &payload.bytes, &mut bytes);
    bytes
}

/// Reads one frame of the server: a whole binary message.
fn read_frame(stream: &mut dyn Stream) -> Result<Payload, Box<dyn Error>> {
    let start = read_exactly(stream, 2)?;
    let [first @ (0x82 | 0xc2), short] = start[..] else {
        return Err(format!("frame begins with {start:02x?}").into());
    };
    let extended = match short {
        126 => read_exactly(stream, 2)?,
        127 => read_exactly(stream, 8)?,
        short => vec![short],
    };
    let len = extended.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    Ok(Payload {
        bytes: read_exactly(stream, len)?,
        rsv1: first == 0xc2,
    })
}

fn read_exactly(stream: &mut dyn Stream, len: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
