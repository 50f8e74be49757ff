use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::time::Duration;

use tidewire_common::proto::Instant;
use tidewire_common::proto::frame::Sender;
use tidewire_common::test::{Came, Frame, Script};
use tidewire_common::{Accepting, Asked, Handshake, HandshakeError, Journey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{timeout, timeout_at};

use crate::accept::Accept;
use crate::clock;
use crate::connect::Connect;
use crate::socket::Socket;
use crate::stages::{read, write};

/// Where a test asks for something, for the text of its failure.
type Caller = &'static Location<'static>;

/// The other end of a connection, which does what a test says and nothing else: it answers no ping and no close, and reads
/// only while something is expected of the side under test.
///
/// What it expects is the next frame, and where that is another one, it panics with what came. It waits for it as long as
/// its [patience](Self::patience) goes, on tokio's clock, which a test may have paused.
///
/// ```
/// use tidewire_tokio::test::{Frame, Pair};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (server, mut peer) = Pair::new().server().await?;
/// let handler = tokio::spawn(server.run(async |mut ws| {
///     while let Some(message) = ws.recv().await? {
///         ws.send(message).await?;
///     }
///     Ok::<(), tidewire_tokio::Error>(())
/// }));
/// peer.send(Frame::text("hello")).await;
/// peer.expect_text("hello").await;
/// peer.send(Frame::ping("there?")).await;
/// peer.expect_pong("there?").await;
/// peer.send(Frame::close(1000, "bye")).await;
/// peer.expect_close(1000).await;
/// peer.expect_end().await;
/// // The server waits for the client to end its stream, too.
/// peer.cut();
/// handler.await??;
/// # Ok(())
/// # }
/// ```
pub struct Peer {
    socket: Socket,
    script: Script,
    patience: Duration,
}

impl Peer {
    /// A client on a stream that leads to a server, before its opening handshake: [`connect`](Self::connect) is a right one,
    /// [`send_bytes`](Self::send_bytes) and [`expect_head`](Self::expect_head) serve for others.
    pub fn client(stream: impl Into<Socket>) -> Self {
        Self::new(stream.into(), Sender::Client)
    }

    /// A server on a stream that a client opened, before its opening handshake, which is as for [`client`](Self::client) but
    /// begins with [`accept`](Self::accept).
    pub fn server(stream: impl Into<Socket>) -> Self {
        Self::new(stream.into(), Sender::Server)
    }

    fn new(socket: Socket, side: Sender) -> Self {
        Self {
            socket,
            script: Script::new(side),
            patience: Duration::from_secs(60),
        }
    }

    /// Sets how long it waits for what is expected of the other side, and for the other side to read; 60 s by default.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Shakes hands as a client that asks for this. Compression may be agreed on, but the peer does none of it.
    ///
    /// # Errors
    /// [`HandshakeError`] says how far it came.
    ///
    /// # Cancel safety
    /// None: a part of the handshake is lost.
    pub async fn connect(&mut self, connect: &Connect) -> Result<(), HandshakeError> {
        let mut out = Vec::new();
        let journey = Journey::new(&connect.settings)?;
        let mut opening = journey.open(&connect.config, Instant::START, None, &mut out)?;
        let shake_hands = async {
            write(&mut self.socket, &out).await?;
            loop {
                let take = |input: &[u8]| match input {
                    [] => opening.handle_end().map(|()| None),
                    input => opening.handle_input(input),
                };
                if let Some(negotiated) = read(&mut self.socket, take).await?? {
                    break Ok(negotiated);
                }
            }
        };
        let negotiated = timeout(self.patience, shake_hands).await;
        self.script
            .open(negotiated.unwrap_or(Err(HandshakeError::TIMEOUT))?);
        Ok(())
    }

    /// Shakes hands as a server that wants this; only what its policy says is asked of the application. Compression may be
    /// agreed on, but the peer does none of it.
    ///
    /// # Errors
    /// [`HandshakeError`] for a request that was refused; the refusal was sent.
    ///
    /// # Cancel safety
    /// None: a part of the handshake is lost.
    pub async fn accept(&mut self, accept: &Accept) -> Result<(), HandshakeError> {
        let mut accepting = Accepting::new(&accept.config, &accept.policy, Instant::START);
        let mut out = Vec::new();
        let shake_hands = async {
            let request = loop {
                let take = |input: &[u8]| match input {
                    [] => Err(HandshakeError::UnexpectedEnd),
                    input => accepting.handle_input(input, &mut out),
                };
                if let Some(request) = read(&mut self.socket, take).await?.transpose() {
                    break request;
                }
            };
            let answer =
                request.and_then(|request| accepting.answer(request, Asked::Nothing, None, &mut out));
            write(&mut self.socket, &out).await?;
            answer
        };
        let negotiated = timeout(self.patience, shake_hands).await;
        self.script
            .open(negotiated.unwrap_or(Err(HandshakeError::TIMEOUT))?);
        Ok(())
    }

    /// What the opening handshake said, the other side's request or response for example; `None` before it.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.script.handshake()
    }

    /// Sends one frame, and waits until it is on its way.
    ///
    /// # Panics
    /// Where the other side has gone, or does not read.
    ///
    /// # Cancel safety
    /// A part of it may have been sent.
    #[track_caller]
    pub fn send(&mut self, frame: Frame) -> impl Future<Output = ()> {
        let asked = Location::caller();
        async move {
            let bytes = self.script.encode(&frame);
            self.write(&bytes, &frame, asked).await;
        }
    }

    /// Sends bytes as they are; otherwise as [`send`](Self::send).
    ///
    /// # Panics
    /// As [`send`](Self::send) does.
    ///
    /// # Cancel safety
    /// As for [`send`](Self::send).
    #[track_caller]
    pub fn send_bytes(&mut self, bytes: &[u8]) -> impl Future<Output = ()> {
        self.write(bytes, "bytes", Location::caller())
    }

    async fn write(&mut self, bytes: &[u8], what: impl fmt::Display, asked: Caller) {
        let Ok(written) = timeout(self.patience, write(&mut self.socket, bytes)).await else {
            panic!("{what} was not read in {:?} ({asked})", self.patience);
        };
        if let Err(error) = written {
            panic!("{what} was not sent: {error} ({asked})");
        }
    }

    /// Waits for the next frame, whatever it is; `None` at the end of the stream.
    ///
    /// # Panics
    /// Where nothing comes, or half a frame.
    ///
    /// # Cancel safety
    /// Safe: no byte is lost.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<Frame>> {
        let asked = Location::caller();
        async move {
            match self.come(Script::take_frame).await {
                Came::Frame(frame) => Some(frame),
                Came::End(rest) if rest.is_empty() => None,
                came @ (Came::Head(_) | Came::End(_) | Came::Nothing(..)) => {
                    panic!("expected a frame, got {came} ({asked})")
                }
            }
        }
    }

    /// Reads until there is something to take, or there will be nothing.
    pub(super) async fn come(&mut self, take: fn(&mut Script) -> Option<Came>) -> Came {
        let deadline = clock::after(self.patience);
        loop {
            if let Some(came) = take(&mut self.script) {
                return came;
            }
            match timeout_at(deadline, self.socket.read_buf(self.script.buffer())).await {
                Ok(Ok(0)) => return self.script.end(),
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => return self.script.end(),
                Ok(Err(error)) => panic!("the stream cannot be read: {error}"),
                Err(_) => return self.script.silence(self.patience),
            }
        }
    }

    /// Ends its direction of the stream, and can read on.
    ///
    /// # Panics
    /// Where the stream cannot be ended so.
    ///
    /// # Cancel safety
    /// Safe: may be dropped and called again.
    pub async fn end_sending(&mut self) {
        self.socket.shutdown().await.expect("a stream that can be ended");
    }

    /// Cuts the connection, without a closing handshake and in both directions. Dropping it does the same.
    pub fn cut(self) {}
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("socket", &self.socket)
            .field("script", &self.script)
            .finish_non_exhaustive()
    }
}
