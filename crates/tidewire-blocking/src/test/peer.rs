use std::fmt;
use std::io;
use std::net::Shutdown;
use std::time::{Duration, Instant as SystemInstant};

use rustix::event::{PollFd, PollFlags, poll};
use tidewire_common::proto::Instant;
use tidewire_common::proto::frame::Sender;
use tidewire_common::test::{Came, Frame, Script};
use tidewire_common::{Accepting, Asked, Handshake, HandshakeError, Journey};

use crate::accept::Accept;
use crate::clock;
use crate::connect::Connect;
use crate::socket::Socket;
use crate::transport::{Transport as _, is_vain};

/// How much is read at once.
const READ: usize = 16 * 1024;

/// The other end of a connection, which does what a test says and nothing else: it answers no ping and no close, and reads
/// only while something is expected of the side under test.
///
/// What it expects is the next frame, and where that is another one, it panics with what came. It waits for it as long as
/// its [patience](Self::patience) goes, by the system's clock: time that a test moves by hand does not pass while it waits.
///
/// ```
/// use std::thread;
/// use tidewire_blocking::test::{Frame, Pair};
///
/// let (server, mut peer) = Pair::new().server()?;
/// let handler = thread::spawn(move || {
///     server.run(|mut ws| {
///         while let Some(message) = ws.recv()? {
///             ws.send(message)?;
///         }
///         Ok::<(), tidewire_blocking::Error>(())
///     })
/// });
/// peer.send(Frame::text("hello"));
/// peer.expect_text("hello");
/// peer.send(Frame::ping("there?"));
/// peer.expect_pong("there?");
/// peer.send(Frame::close(1000, "bye"));
/// peer.expect_close(1000);
/// peer.expect_end();
/// // The server waits for the client to end its stream, too.
/// peer.cut();
/// handler.join().expect("no panic")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
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
            patience: Duration::from_secs(10),
        }
    }

    /// Sets how long it waits for what is expected of the other side, and for the other side to read; 10 s by default.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Shakes hands as a client that asks for this. Compression may be agreed on, but the peer does none of it.
    ///
    /// # Errors
    /// [`HandshakeError`] says how far it came.
    pub fn connect(&mut self, connect: &Connect) -> Result<(), HandshakeError> {
        let mut out = Vec::new();
        let journey = Journey::new(&connect.settings)?;
        let mut opening = journey.open(&connect.config, Instant::START, None, &mut out)?;
        timely(self.write(&out))?;
        let negotiated = loop {
            let negotiated = match timely(self.read())?.as_slice() {
                [] => opening.handle_end().map(|()| None),
                input => opening.handle_input(input),
            };
            if let Some(negotiated) = negotiated? {
                break negotiated;
            }
        };
        self.script.open(negotiated);
        Ok(())
    }

    /// Shakes hands as a server that wants this; only what its policy says is asked of the application. Compression may be
    /// agreed on, but the peer does none of it.
    ///
    /// # Errors
    /// [`HandshakeError`] for a request that was refused; the refusal was sent.
    pub fn accept(&mut self, accept: &Accept) -> Result<(), HandshakeError> {
        let mut accepting = Accepting::new(&accept.config, &accept.policy, Instant::START);
        let mut out = Vec::new();
        let request = loop {
            let request = match timely(self.read())?.as_slice() {
                [] => return Err(HandshakeError::UnexpectedEnd),
                input => accepting.handle_input(input, &mut out),
            };
            if let Some(request) = request.transpose() {
                break request;
            }
        };
        let answer = request.and_then(|request| accepting.answer(request, Asked::Nothing, None, &mut out));
        timely(self.write(&out))?;
        self.script.open(answer?);
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
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "frames are made where they are sent"
    )]
    pub fn send(&mut self, frame: Frame) {
        self.send_all(&self.script.encode(&frame), &frame);
    }

    /// Sends bytes as they are; otherwise as [`send`](Self::send).
    ///
    /// # Panics
    /// As [`send`](Self::send) does.
    #[track_caller]
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.send_all(bytes, "bytes");
    }

    #[track_caller]
    fn send_all(&self, bytes: &[u8], what: impl fmt::Display) {
        match self.write(bytes) {
            Ok(()) => {}
            Err(error) if is_vain(&error) => panic!("{what} was not read in {:?}", self.patience),
            Err(error) => panic!("{what} was not sent: {error}"),
        }
    }

    /// Waits for the next frame, whatever it is; `None` at the end of the stream.
    ///
    /// # Panics
    /// Where nothing comes, or half a frame.
    #[track_caller]
    pub fn recv(&mut self) -> Option<Frame> {
        match self.come(Script::take_frame) {
            Came::Frame(frame) => Some(frame),
            Came::End(rest) if rest.is_empty() => None,
            came @ (Came::Head(_) | Came::End(_) | Came::Nothing(..)) => {
                panic!("expected a frame, got {came}")
            }
        }
    }

    /// Reads until there is something to take, or there will be nothing.
    #[track_caller]
    pub(super) fn come(&mut self, take: fn(&mut Script) -> Option<Came>) -> Came {
        loop {
            if let Some(came) = take(&mut self.script) {
                return came;
            }
            match self.read() {
                Ok(input) if input.is_empty() => return self.script.end(),
                Ok(input) => self.script.buffer().extend(input),
                Err(error) if is_vain(&error) => return self.script.silence(self.patience),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return self.script.end(),
                Err(error) => panic!("the stream cannot be read: {error}"),
            }
        }
    }

    /// Reads what is there; nothing at the end.
    fn read(&self) -> io::Result<Vec<u8>> {
        let mut buffer = Vec::with_capacity(READ);
        self.attempt(PollFlags::IN, |timeout| self.socket.read(&mut buffer, timeout))?;
        Ok(buffer)
    }

    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.attempt(PollFlags::OUT, |timeout| self.socket.write(bytes, timeout))?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        self.attempt(PollFlags::OUT, |timeout| self.socket.flush(timeout).map(|()| 0))?;
        Ok(())
    }

    /// Tries, with patience by the system's clock.
    fn attempt(
        &self,
        ready: PollFlags,
        mut call: impl FnMut(Option<Duration>) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let Some(fd) = self.socket.fd() else {
            return call(Some(self.patience));
        };
        let start = SystemInstant::now();
        loop {
            let left = self.patience.saturating_sub(start.elapsed());
            match call(Some(Duration::ZERO)) {
                Err(error) if is_vain(&error) && !left.is_zero() => {}
                result => return result,
            }
            // Where it fails, the next attempt tells why.
            let _ = poll(
                &mut [PollFd::from_borrowed_fd(fd, ready)],
                clock::to_system(left).as_ref(),
            );
        }
    }

    /// Ends its direction of the stream, and can read on.
    ///
    /// # Panics
    /// Where the stream cannot be ended so.
    pub fn end_sending(&mut self) {
        let ended = self.socket.shutdown(Shutdown::Write);
        ended.expect("a stream that can be ended");
    }

    /// Cuts the connection, without a closing handshake and in both directions. Dropping it does the same.
    pub fn cut(self) {}
}

/// However many have the socket.
impl Drop for Peer {
    fn drop(&mut self) {
        // Where it fails, the other side was faster.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// The result of a step of the handshake.
fn timely<T>(result: io::Result<T>) -> Result<T, HandshakeError> {
    result.map_err(|error| match error {
        error if is_vain(&error) => HandshakeError::TIMEOUT,
        error => HandshakeError::Io(error),
    })
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("socket", &self.socket)
            .field("script", &self.script)
            .finish_non_exhaustive()
    }
}
