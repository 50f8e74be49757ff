use tidewire_proto::{Delivery, End, Event, Inbox, Instant, Phase, Reader, Reading, Role, Writer};
use tracing::debug;

use super::{Core, Session};
use crate::handshake::ConnectionId;
use crate::log;
use crate::message::Message;
use crate::pings::{Control, PingWaiters};
use crate::queue::{Chunk, Item, ReadAhead};
use crate::stores;

/// The most frames that one call handles before it lets others work.
const FRAMES_A_CALL: usize = 64;

/// The most work of inflating that one call goes on after.
const WORK_A_CALL: u64 = 256 * 1024;

/// Where parsing stopped.
pub(super) enum Parsed {
    Item(Item),
    /// All input was consumed.
    Drained,
    /// Enough was done for one call; input may be left.
    Enough,
}

impl Session {
    /// Gives the next message where that takes nothing else: where it was read ahead, or is whole in the inbox and neither
    /// fragmented nor compressed.
    #[inline]
    pub fn message_at_hand(&mut self, inbox: &mut Inbox) -> Option<Message> {
        if self.joining.is_some() || self.gave_up {
            return None;
        }
        if !self.ahead.is_empty() {
            return self.ahead.pop_message();
        }
        if inbox.is_empty() {
            return None;
        }
        let before = inbox.unread().len();
        let message =
            Message::from(either!(&mut self.core, connection => connection.message_at_hand(inbox))?);
        self.traffic.bytes_received += (before - inbox.unread().len()) as u64;
        self.note_message(&message);
        Some(message)
    }

    /// Gives the next whole message: what was read ahead first, then what the inbox holds.
    ///
    /// `None` where more input is needed, or where enough was done for one call and the inbox is not empty.
    pub fn next_message(&mut self, now: Instant, inbox: &mut Inbox) -> Option<Message> {
        // Without input there is nothing to find.
        if inbox.is_empty() && self.ahead.is_empty() {
            return None;
        }
        match self.message_at_hand(inbox) {
            None => self.find_message(now, inbox),
            message => message,
        }
    }

    /// Gives the next message, whatever it takes.
    fn find_message(&mut self, now: Instant, inbox: &mut Inbox) -> Option<Message> {
        loop {
            let item = match self.ahead.pop() {
                Some(item) => item,
                None => {
                    if self.joining.is_none() {
                        self.set_delivery(Delivery::Messages);
                    }
                    self.parse_one(now, inbox)?
                }
            };
            match item {
                Item::Message(message) => return Some(message),
                // Somebody asked for pieces and gave up before the first: they are joined again.
                Item::Chunk(chunk) => {
                    let joined = join(self.joining.take().map(|begun| *begun), chunk.data);
                    match chunk.end {
                        End::Last => return Some(joined),
                        End::More => self.joining = Some(Box::new(joined)),
                    }
                }
            }
        }
    }

    /// Gives the next part of a message: as [`next_message`](Self::next_message), in the pieces that arrive.
    ///
    /// A message that was read ahead whole is one piece.
    pub fn next_chunk(&mut self, now: Instant, inbox: &mut Inbox) -> Option<Chunk> {
        let item = match self.ahead.pop() {
            Some(item) => item,
            None => {
                self.set_delivery(Delivery::Chunks);
                self.parse_one(now, inbox)?
            }
        };
        let mut chunk = match item {
            Item::Message(data) => Chunk { data, end: End::Last },
            Item::Chunk(chunk) => chunk,
        };
        if let Some(begun) = self.joining.take() {
            chunk.data = join(Some(*begun), chunk.data);
        }
        Some(chunk)
    }

    /// Skips the rest of a message whose last piece was not taken.
    pub fn skip_chunks(&mut self) {
        while self.ahead.begins_with_chunk() {
            if let Some(Item::Chunk(Chunk { end: End::Last, .. })) = self.ahead.pop() {
                return;
            }
        }
        self.set_delivery(Delivery::Messages);
    }

    /// Takes input for an application that is not receiving: pings are answered, messages are queued up to the
    /// bound. Says whether there may be more to do at once.
    pub fn read_ahead(&mut self, now: Instant, inbox: &mut Inbox) -> bool {
        let enough = self.work + WORK_A_CALL;
        while self.wants_input() {
            if self.work >= enough {
                return true;
            }
            match self.parse(now, inbox) {
                // Who closes has no use for more than was asked for, and must not miss the Close behind it.
                Parsed::Item(_) if self.gave_up || self.is_full() => self.gave_up = true,
                Parsed::Item(item) => self.ahead.push(item),
                Parsed::Drained => return false,
                Parsed::Enough => return true,
            }
        }
        false
    }

    /// Takes all of the input, which is one buffer at most, whatever was read ahead; of what a buffer of compressed
    /// input can become, whole messages until that is more than would fit into it uncompressed.
    pub(super) fn take_input(&mut self, now: Instant, inbox: &mut Inbox) {
        let enough = self.traffic.payload_received + WORK_A_CALL;
        while !inbox.is_empty() && self.traffic.payload_received < enough {
            match self.parse(now, inbox) {
                Parsed::Item(item) if !self.gave_up => self.ahead.push(item),
                Parsed::Item(_) | Parsed::Drained | Parsed::Enough => {}
            }
        }
    }

    /// Drops what was read ahead and every later message: nobody can receive any more.
    ///
    /// Pings are answered and the peer's Close is seen as before.
    pub fn stop_receiving(&mut self) {
        self.gave_up = true;
        self.ahead = ReadAhead::default();
        self.joining = None;
        self.set_delivery(Delivery::Messages);
    }

    /// Has `watch` told of each Ping and Pong that is received from here on. The connection is locked meanwhile: it is to
    /// take the matter elsewhere, and not to wait.
    pub fn watch_control(&mut self, watch: impl FnMut(Control) + Send + 'static) {
        self.pings.watch(Box::new(watch));
    }

    /// Whether more input is to be read: not while as much as may be was read ahead, and not after the end.
    pub fn wants_input(&self) -> bool {
        match self.phase() {
            Phase::Open => !self.is_full(),
            Phase::Ended => false,
            // What is left of the closing handshake must be seen.
            _ => true,
        }
    }

    /// Whether a message or a piece can be taken without more input.
    pub fn has_items(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Tells whether the adapter reads: while it does not, no answer to a ping is expected.
    pub fn handle_reading(&mut self, now: Instant, reading: Reading) {
        either!(&mut self.core, connection => connection.handle_reading(now, reading));
    }

    /// How much inflating was done since that was last [forgotten](Self::forget_work), as the number of bytes that could
    /// be inflated meanwhile: where input is compressed, its length does not tell of the work.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Begins to count anew, for an application that had to wait.
    pub fn forget_work(&mut self) {
        self.work = 0;
    }

    fn is_full(&self) -> bool {
        self.ahead.len() >= self.settings.read_ahead_messages
            || self.ahead.bytes() >= self.settings.read_ahead_bytes
    }

    fn set_delivery(&mut self, delivery: Delivery) {
        either!(&mut self.core, connection => connection.set_delivery(delivery));
    }

    fn parse_one(&mut self, now: Instant, inbox: &mut Inbox) -> Option<Item> {
        let enough = self.work + WORK_A_CALL;
        loop {
            match self.parse(now, inbox) {
                Parsed::Item(_) if self.gave_up && self.work >= enough => return None,
                Parsed::Item(_) if self.gave_up => {}
                Parsed::Item(item) => return Some(item),
                Parsed::Drained | Parsed::Enough => return None,
            }
        }
    }

    pub(super) fn parse(&mut self, now: Instant, inbox: &mut Inbox) -> Parsed {
        let before = inbox.unread().len();
        let Self {
            core,
            output,
            pings,
            work,
            id,
            ..
        } = self;
        let parsed = output.append(|out| {
            either!(core, connection => {
                let (rx, tx) = connection.turn(now, inbox, out);
                let mut rx = rx.with_stores(stores::take);
                let parsed = parse(&mut rx, tx, now, pings, *id);
                *work += rx.work() as u64;
                parsed
            })
        });
        self.traffic.bytes_received += (before - inbox.unread().len()) as u64;
        if let Parsed::Item(item) = &parsed {
            self.note_received(item);
        }
        self.note_end();
        match parsed {
            // Input is left where enough was inflated for one turn.
            Parsed::Drained if !inbox.is_empty() => Parsed::Enough,
            parsed => parsed,
        }
    }

    fn note_received(&mut self, item: &Item) {
        match item {
            Item::Message(message) => self.note_message(message),
            Item::Chunk(chunk) => {
                self.note_payload(&chunk.data);
                if chunk.end == End::Last {
                    self.traffic.messages_received += 1;
                    // One message at a time is received in pieces.
                    self.set_delivery(Delivery::Messages);
                }
            }
        }
    }

    #[inline]
    fn note_message(&mut self, message: &Message) {
        self.traffic.messages_received += 1;
        self.note_payload(message);
    }

    #[inline]
    fn note_payload(&mut self, data: &Message) {
        self.traffic.payload_received += data.len() as u64;
        log::received(self.id, log::kind(data.kind()), data.as_bytes());
    }
}

/// Handles input up to the next item, or as much as one call may.
fn parse<R: Role>(
    rx: &mut Reader<'_>,
    mut tx: Writer<'_, R>,
    now: Instant,
    pings: &mut PingWaiters,
    id: ConnectionId,
) -> Parsed {
    for _ in 0..FRAMES_A_CALL {
        match rx.next(&mut tx) {
            Ok(Some(Event::Message(message))) => {
                return Parsed::Item(Item::Message(message.into_owned().into()));
            }
            Ok(Some(Event::Chunk(chunk))) => {
                return Parsed::Item(Item::Chunk(Chunk {
                    data: chunk.data.into(),
                    end: chunk.end,
                }));
            }
            Ok(Some(Event::Pong(pong))) => {
                log::received(id, "pong", pong.payload);
                pings.tell(Control::Pong, pong.payload);
                if let Some(answer) = pong.answer {
                    pings.answer(now, answer);
                }
            }
            Ok(Some(Event::Ping(payload))) => {
                log::received(id, "ping", payload);
                pings.tell(Control::Ping, payload);
            }
            Ok(Some(Event::Close(frame))) => {
                let (code, reason) =
                    frame.map_or((None, ""), |frame| (Some(frame.code.as_u16()), frame.reason));
                debug!(connection = %id, code, reason = %reason.escape_debug(), "received close");
            }
            Ok(Some(_)) => {}
            // A failure is the end of the connection, which `Session::end` reports.
            Ok(None) | Err(_) => return Parsed::Drained,
        }
    }
    Parsed::Enough
}

/// Appends a piece to those before it; both are of one message, so of one type.
fn join(begun: Option<Message>, piece: Message) -> Message {
    match (begun, piece) {
        (None, piece) => piece,
        (Some(Message::Text(mut text)), Message::Text(piece)) => {
            text.push_str(&piece);
            Message::Text(text)
        }
        (Some(begun), piece) => {
            let mut bytes = Vec::from(begun.into_bytes());
            bytes.extend_from_slice(piece.as_bytes());
            Message::Binary(bytes.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tidewire_proto::handshake::{Fields, Request};
    use tidewire_proto::{Client, Connection};

    use super::*;
    use crate::config::Config;
    use crate::extension::Extensions;
    use crate::handshake::{Handshake, Negotiated};

    /// Something that happens to a receiver.
    #[derive(Clone, Debug)]
    enum Step {
        /// So many bytes arrive.
        Arrive(usize),
        Message,
        /// Asks for pieces, and gives up behind so many.
        Pieces(usize),
        /// Does something else meanwhile.
        ReadAhead,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (1..40_usize).prop_map(Step::Arrive),
            1 => Just(Step::Message),
            2 => (1..4_usize).prop_map(Step::Pieces),
            1 => Just(Step::ReadAhead),
        ]
    }

    /// Messages in fragments, as a client sends them.
    fn stream(messages: &[Vec<String>]) -> Vec<u8> {
        let mut client = Connection::new(
            Client::new(|| *b"mask"),
            tidewire_proto::Config::new(),
            Instant::START,
        );
        let mut out = Vec::new();
        let mut tx = client.writer(Instant::START, &mut out);
        for fragments in messages {
            for (at, fragment) in fragments.iter().enumerate() {
                let end = if at + 1 == fragments.len() {
                    End::Last
                } else {
                    End::More
                };
                tx.fragment(&**fragment, end).expect("open");
            }
        }
        out
    }

    fn session() -> (Session, Inbox) {
        let request = Request::new("GET", "/", Fields::new()).expect("a request");
        let negotiated = Negotiated {
            handshake: Handshake::accepted(request, None, None, None, None),
            extensions: Extensions::None,
            rest: Vec::new(),
        };
        Session::server(&Config::default(), negotiated, Instant::START)
    }

    /// A session that receives, and the messages that it has not given.
    struct Receiver {
        session: Session,
        inbox: Inbox,
        messages: Vec<String>,
    }

    impl Receiver {
        fn message(&mut self) -> bool {
            let message = self.session.next_message(Instant::START, &mut self.inbox);
            if let Some(message) = &message {
                assert_eq!(message.as_text(), Some(&*self.messages.remove(0)));
            }
            message.is_some()
        }

        /// Takes pieces of one message, and skips the rest where it is not there yet.
        fn pieces(&mut self, most: usize) {
            let mut taken = Message::from("");
            for number in 0..most {
                match self.session.next_chunk(Instant::START, &mut self.inbox) {
                    None if number == 0 => return,
                    None => break,
                    Some(Chunk { data, end }) => {
                        taken = join(Some(taken), data);
                        if end == End::Last {
                            assert_eq!(taken.as_text(), Some(&*self.messages.remove(0)));
                            return;
                        }
                    }
                }
            }
            let whole = self.messages.remove(0);
            assert!(taken.as_text().is_some_and(|taken| whole.starts_with(taken)));
            self.session.skip_chunks();
        }
    }

    proptest! {
        #[test]
        fn each_message_is_given_once_whole_or_in_pieces_that_may_be_given_up(
            messages in vec(vec("[a-zü潮]{0,12}", 1..5), 0..12),
            steps in vec(step(), 0..60),
        ) {
            let stream = stream(&messages);
            let mut rest = &stream[..];
            let (session, inbox) = session();
            let mut receiver = Receiver {
                session,
                inbox,
                messages: messages.iter().map(|fragments| fragments.concat()).collect(),
            };
            for step in steps {
                match step {
                    Step::Arrive(len) => {
                        let (arrived, later) = rest.split_at(len.min(rest.len()));
                        receiver.inbox.extend(arrived);
                        rest = later;
                    }
                    Step::Message => {
                        receiver.message();
                    }
                    Step::Pieces(most) => receiver.pieces(most),
                    Step::ReadAhead => {
                        receiver.session.read_ahead(Instant::START, &mut receiver.inbox);
                    }
                }
            }
            receiver.inbox.extend(rest);
            while receiver.message() {}
            prop_assert!(receiver.messages.is_empty(), "{:?} never came", receiver.messages);
        }
    }
}
