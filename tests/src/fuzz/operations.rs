use std::time::Duration;

use tidewire_proto::{
    CloseFrame, Closed, Config, End, Kind, Message, Phase, ProtocolError, Reading, Role, SendError, Writer,
};

use super::Source;
use crate::endpoint::{Endpoint, Seen};
use crate::pair::Pair;
use crate::reference;

/// The most that a connection appends by itself: 17 Pongs, a Close and a keepalive ping.
const OWN_OUTPUT: usize = 19 * MAX_CONTROL;
/// A control frame with its header.
const MAX_CONTROL: usize = 125 + 6;

/// Whatever two endpoints do and whenever bytes move: messages arrive in order, one Close goes each way, output is
/// bounded and phases only move forward.
///
/// # Panics
/// Where that is not so.
pub fn operations(data: &[u8]) {
    let mut source = Source::new(data);
    let pair = Pair::new(&Config::new());
    let (mut client, mut server) = (Peer::new(pair.client), Peer::new(pair.server));
    while !source.is_empty() {
        let choice = source.byte();
        if choice & 0x80 == 0 {
            step(choice, &mut source, &mut client, &mut server);
        } else {
            step(choice & 0x7f, &mut source, &mut server, &mut client);
        }
    }
    while carry(&mut client, &mut server, usize::MAX) + carry(&mut server, &mut client, usize::MAX) > 0 {}
    judge(&client, &server);
    judge(&server, &client);
}

/// An endpoint, and what is known of it.
struct Peer<R: Role> {
    endpoint: Endpoint<R>,
    /// Bytes that left, and those of them that have not arrived.
    left: Vec<u8>,
    wire: Vec<u8>,
    /// What the application sent, and the part of a message that it has not ended.
    sent: Vec<Seen>,
    open: Option<(Kind, Vec<u8>)>,
    received: Vec<Seen>,
    /// How much of the output the application may have written.
    written: usize,
    phase: Phase,
}

impl<R: Role> Peer<R> {
    fn new(endpoint: Endpoint<R>) -> Self {
        Self {
            endpoint,
            left: Vec::new(),
            wire: Vec::new(),
            sent: Vec::new(),
            open: None,
            received: Vec::new(),
            written: 0,
            phase: Phase::Open,
        }
    }

    /// Lets the application write up to `len` bytes.
    fn write(
        &mut self,
        len: usize,
        write: impl FnOnce(&mut Writer<'_, R>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        self.written += len + 14;
        self.endpoint.send(write)
    }

    fn message(&mut self, message: Message<'_>) {
        match self.write(message.as_bytes().len(), |tx| tx.message(message)) {
            Ok(()) => self.sent.push(seen(message)),
            Err(SendError::MessageOpen) => assert!(self.open.is_some(), "no message is open"),
            Err(error) => self.assert_closed(error),
        }
    }

    fn fragment(&mut self, part: Message<'_>, end: End) {
        match self.write(part.as_bytes().len(), |tx| tx.fragment(part, end)) {
            Ok(()) => {
                let (kind, mut message) = self.open.take().unwrap_or((part.kind(), Vec::new()));
                message.extend_from_slice(part.as_bytes());
                match (end, kind) {
                    (End::More, _) => self.open = Some((kind, message)),
                    (End::Last, Kind::Binary) => self.sent.push(Seen::Binary(message)),
                    (End::Last, Kind::Text) => {
                        let text = String::from_utf8(message).expect("made of text");
                        self.sent.push(Seen::Text(text));
                    }
                }
            }
            Err(SendError::FragmentKind) => {
                let open = self.open.as_ref().map(|(kind, _)| *kind);
                assert!(open.is_some_and(|kind| kind != part.kind()), "{open:?} {part:?}");
            }
            Err(error) => self.assert_closed(error),
        }
    }

    fn assert_closed(&self, error: SendError) {
        assert_eq!(error, SendError::Closed);
        assert_ne!(self.endpoint.connection.phase(), Phase::Open);
    }

    /// What holds after every step.
    fn check(&mut self) {
        let phase = self.endpoint.connection.phase();
        assert!(
            rank(phase) >= rank(self.phase),
            "{phase:?} after {:?}",
            self.phase
        );
        self.phase = phase;
        if phase == Phase::Ended {
            assert_eq!(self.endpoint.deadline(), None, "a deadline after the end");
        }
        let len = self.endpoint.out.len();
        if len == 0 {
            self.written = 0;
        }
        assert!(
            len <= self.written + OWN_OUTPUT,
            "{len} bytes of output, {} written",
            self.written
        );
    }
}

fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Open => 0,
        Phase::Closing => 1,
        Phase::Over => 2,
        Phase::Ended => 3,
        other => panic!("a phase that this test does not know: {other:?}"),
    }
}

fn seen(message: Message<'_>) -> Seen {
    match message {
        Message::Text(text) => Seen::Text(text.into()),
        Message::Binary(bytes) => Seen::Binary(bytes.into()),
    }
}

fn step<A: Role, B: Role>(choice: u8, source: &mut Source<'_>, from: &mut Peer<A>, to: &mut Peer<B>) {
    let len = usize::from(source.byte());
    let repeated = [choice; 512];
    let text = "tide ".repeat(len / 5);
    match choice % 16 {
        0 => from.message(Message::Text(&text)),
        1 => from.message(Message::Binary(&repeated[..len])),
        2 => from.fragment(Message::Text(&text), End::More),
        3 => from.fragment(Message::Text(&text), End::Last),
        4 => from.fragment(Message::Binary(&repeated[..len]), End::More),
        5 => from.fragment(Message::Binary(&repeated[..len]), End::Last),
        6 => {
            let pinged = from.write(len, |tx| tx.ping_with(&repeated[..len]).map(|_| ()));
            assert_eq!(
                pinged == Err(SendError::LongControl { len }),
                from.phase == Phase::Open && len > 125
            );
        }
        7 => {
            let ponged = from.write(len, |tx| tx.pong(&repeated[..len]));
            assert_eq!(
                ponged == Err(SendError::LongControl { len }),
                from.phase == Phase::Open && len > 125
            );
        }
        8 => {
            let closed = from.write(len, |tx| {
                tx.close(CloseFrame::new(
                    990 + u16::try_from(len).expect("from a byte"),
                    &text,
                ))
            });
            assert!(closed.is_err() || from.phase == Phase::Open, "closed twice");
        }
        9 => from.endpoint.advance(Duration::from_millis(len as u64 * 100)),
        10 => from.endpoint.reading(Reading::Paused),
        11 => from.endpoint.reading(Reading::Active),
        12 if len == 0 => from.endpoint.connection.handle_end(),
        12 | 13 => {
            let written = len.min(from.endpoint.out.len());
            let bytes = from.endpoint.write(written);
            from.left.extend_from_slice(&bytes);
            from.wire.extend_from_slice(&bytes);
        }
        _ => {
            carry(from, to, len);
        }
    }
    from.check();
    to.check();
}

/// Writes all, and lets up to `len` bytes arrive; gives how many did.
fn carry<A: Role, B: Role>(from: &mut Peer<A>, to: &mut Peer<B>, len: usize) -> usize {
    let bytes = from.endpoint.flush();
    from.left.extend_from_slice(&bytes);
    from.wire.extend_from_slice(&bytes);
    let len = len.min(from.wire.len());
    let bytes: Vec<u8> = from.wire.drain(..len).collect();
    to.received.extend(to.endpoint.receive_bytes(&bytes));
    to.check();
    len
}

/// Compares what one sent with what the other received, once all has arrived.
fn judge<A: Role, B: Role>(from: &Peer<A>, to: &Peer<B>) {
    let frames = reference::frames(&from.left, from.endpoint.side());
    let closes = frames.iter().filter(|frame| frame.opcode == 8).count();
    assert!(closes <= 1, "{closes} Close frames");
    assert!(
        closes == 0 || frames.last().is_some_and(|frame| frame.opcode == 8),
        "a frame after the Close"
    );
    let is_message = |seen: &&Seen| matches!(seen, Seen::Text(_) | Seen::Binary(_));
    let received: Vec<&Seen> = to.received.iter().filter(is_message).collect();
    let sent: Vec<&Seen> = from.sent.iter().collect();
    assert!(
        sent.starts_with(&received),
        "sent {sent:?}, received {received:?}"
    );
    for seen in &to.received {
        if let Seen::Failed(error) = seen {
            // Endpoints that keep the rules fail each other for silence alone.
            let silent = matches!(
                error,
                ProtocolError::KeepaliveTimeout { .. } | ProtocolError::PeerNotReading { .. }
            );
            assert!(silent, "{error}");
        }
    }
    // What was sent before a Close arrives; only a failure or an end here loses some of it.
    let lossless = to.endpoint.connection.closed().is_none_or(Closed::is_clean)
        && to.endpoint.connection.phase() != Phase::Ended;
    if lossless {
        assert_eq!(received, sent);
    }
}
