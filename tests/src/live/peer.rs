use std::io;

use tidewire_proto::handshake::accept_key;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::reference::{self, Sender, Start};
use crate::wire::Frame;

/// A request that is accepted.
pub const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A request like it for this path, with lines beside those that it needs.
pub fn request(path: &str, lines: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    )
}

/// What a peer received: the frame's opcode with FIN in the highest bit, as on the wire, and its payload.
pub type Received = (u8, Vec<u8>);

/// The other end of a connection, which does what it is told and nothing else.
#[derive(Debug)]
pub struct Peer<S> {
    /// The stream itself.
    pub stream: S,
    side: Sender,
    input: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// A client, once a server has accepted it.
    ///
    /// # Panics
    /// Where the server does not.
    pub async fn client(stream: S) -> Self {
        Self::client_with(stream, "").await
    }

    /// A client, once a server has accepted it, whose request has more fields, each with its line's end.
    ///
    /// # Panics
    /// Where the server does not.
    pub async fn client_with(stream: S, fields: &str) -> Self {
        let mut peer = Self::raw(stream, Sender::Client);
        let (request, end) = REQUEST.split_at(REQUEST.len() - 2);
        peer.send_bytes(&[request, fields.as_bytes(), end].concat()).await;
        let head = peer.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer
    }

    /// A server, once it has accepted the client under test.
    ///
    /// # Panics
    /// Where the client's request has no key.
    pub async fn server(stream: S) -> Self {
        Self::server_with(stream, "").await
    }

    /// A server, once it has accepted the client under test with more fields, each with its line's end.
    ///
    /// # Panics
    /// Where the client's request has no key.
    pub async fn server_with(stream: S, fields: &str) -> Self {
        let mut peer = Self::raw(stream, Sender::Server);
        let head = peer.head().await;
        peer.send_bytes(&response(&head, fields)).await;
        peer
    }

    /// A peer that has not begun its handshake.
    pub fn raw(stream: S, side: Sender) -> Self {
        Self {
            stream,
            side,
            input: Vec::new(),
        }
    }

    /// The same peer over what `wrap` makes of its stream.
    pub fn map<T>(self, wrap: impl FnOnce(S) -> T) -> Peer<T> {
        Peer {
            stream: wrap(self.stream),
            side: self.side,
            input: self.input,
        }
    }

    /// Sends one frame.
    ///
    /// # Panics
    /// Where the other side has gone.
    pub async fn send(&mut self, frame: &Frame) {
        let bytes = frame.sent_by(self.side);
        self.send_bytes(&bytes).await;
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// Where the other side has gone.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the other side reads");
    }

    /// The next frame; `None` at the end of the stream, whether in good order or in a reset.
    ///
    /// # Panics
    /// Where what comes is no frame, or half of one.
    pub async fn frame(&mut self) -> Option<Received> {
        let other = match self.side {
            Sender::Client => Sender::Server,
            Sender::Server => Sender::Client,
        };
        loop {
            match reference::frame(&self.input, other) {
                Start::Whole(frame, len) => {
                    self.input.drain(..len);
                    return Some((u8::from(frame.fin) << 7 | frame.opcode, frame.payload));
                }
                Start::Broken(faults) => panic!("{faults:?} in {}", self.input.escape_ascii()),
                Start::NeedMore => {}
            }
            if !self.fill().await {
                assert!(
                    self.input.is_empty(),
                    "half a frame: {}",
                    self.input.escape_ascii()
                );
                return None;
            }
        }
    }

    /// The next frame, which is to be there.
    ///
    /// # Panics
    /// Where the stream ends instead.
    pub async fn next(&mut self) -> Received {
        self.frame().await.expect("a frame in place of the end")
    }

    /// All frames up to the end of the stream.
    pub async fn rest(&mut self) -> Vec<Received> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame().await {
            frames.push(frame);
        }
        frames
    }

    /// Reads a head up to its empty line.
    ///
    /// # Panics
    /// Where the stream ends before it.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.input.windows(4).position(|end| end == b"\r\n\r\n") {
                let head = self.input.drain(..at + 4).collect();
                return String::from_utf8(head).expect("a head of ASCII");
            }
            assert!(
                self.fill().await,
                "the end in a head: {}",
                self.input.escape_ascii()
            );
        }
    }

    /// The next bytes, which are text.
    ///
    /// # Panics
    /// Where the stream ends before them.
    pub async fn text(&mut self, len: usize) -> String {
        while self.input.len() < len {
            assert!(self.fill().await, "the end in {len} bytes");
        }
        let text = self.input.drain(..len).collect();
        String::from_utf8(text).expect("text")
    }

    /// All bytes up to the end of the stream.
    pub async fn rest_of_bytes(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.input)
    }

    /// Says whether more came.
    async fn fill(&mut self) -> bool {
        match self.stream.read_buf(&mut self.input).await {
            Ok(read) => read > 0,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
                false
            }
        }
    }
}

/// The response that accepts a request.
pub(super) fn response(request: &str, fields: &str) -> Vec<u8> {
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .expect("a request with a key");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{fields}\r\n",
        accept_key(key.as_bytes())
    )
    .into_bytes()
}
