use crate::compression::{self, Deflate};
use crate::frames::{self, CONTINUATION, Header};
use crate::payloads::Content;
use crate::random::Random;
use crate::replies::{Message, Reply, Sender};

/// How much is prepared for one measurement, where more than one turn is.
const PREPARED: usize = 4 << 20;

/// How many different turns there are at most.
const TURNS: usize = 16;

/// Something sent in one go, and what must come back before anything else is sent.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) out: Vec<u8>,
    pub(crate) reply: Reply,
}

/// What the two ends say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Bytes that come back as they are; the same that a WebSocket server would get.
    Raw,
    WebSocket,
}

/// What the turns are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) content: Content,
    /// Bytes of payload in a message.
    pub(crate) size: usize,
    /// Messages in a turn.
    pub(crate) batch: usize,
    /// Frames in a message.
    pub(crate) fragments: usize,
    pub(crate) deflate: Deflate,
}

impl Shape {
    /// Prepares turns, as `sender` sends them.
    pub(crate) fn turns(&self, talk: Talk, sender: Sender) -> Vec<Turn> {
        let mut random = Random::new(self.size as u64);
        let count = (PREPARED / (self.size * self.batch).max(1)).clamp(1, TURNS);
        (0..count).map(|_| self.turn(talk, sender, &mut random)).collect()
    }

    fn turn(&self, talk: Talk, sender: Sender, random: &mut Random) -> Turn {
        let messages: Vec<Message> = (0..self.batch)
            .map(|_| self.content.message(self.size, random))
            .collect();
        let mut out = Vec::new();
        for message in &messages {
            self.append(message, sender, random, &mut out);
        }
        let reply = match talk {
            Talk::Raw => Reply::Bytes(out.clone()),
            Talk::WebSocket => self.reply(messages, sender),
        };
        Turn { out, reply }
    }

    fn append(&self, message: &Message, sender: Sender, random: &mut Random, out: &mut Vec<u8>) {
        let mut key = || match sender {
            Sender::Client => Some(random.key()),
            Sender::Server => None,
        };
        if self.deflate != Deflate::Off {
            let payload = compression::deflate(&message.payload);
            let header = Header {
                fin: true,
                rsv1: true,
                opcode: message.opcode,
                key: key(),
                payload_len: payload.len(),
            };
            return frames::append_with(header, &payload, out);
        }
        if self.fragments == 1 {
            return frames::append(true, message.opcode, key(), &message.payload, out);
        }
        let pieces = message.payload.chunks(self.size.div_ceil(self.fragments));
        let last = pieces.len() - 1;
        for (index, piece) in pieces.enumerate() {
            let opcode = if index == 0 { message.opcode } else { CONTINUATION };
            frames::append(index == last, opcode, key(), piece, out);
        }
    }

    /// What must come back: to the byte where the rules and an echo leave no choice.
    fn reply(&self, messages: Vec<Message>, sender: Sender) -> Reply {
        match sender {
            Sender::Client if self.fragments == 1 && self.deflate == Deflate::Off => {
                let mut bytes = Vec::new();
                for message in &messages {
                    frames::append(true, message.opcode, None, &message.payload, &mut bytes);
                }
                Reply::Bytes(bytes)
            }
            Sender::Client => Reply::Messages {
                messages,
                sender: Sender::Server,
                deflate: self.deflate,
            },
            Sender::Server => Reply::Messages {
                messages,
                sender: Sender::Client,
                deflate: self.deflate,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replies::{Checker, Progress};

    const SHAPE: Shape = Shape {
        content: Content::Binary,
        size: 1000,
        batch: 3,
        fragments: 1,
        deflate: Deflate::Off,
    };

    /// What a server would make of the frames: the same without masks.
    fn echo(mut out: &[u8]) -> Vec<u8> {
        let mut echo = Vec::new();
        while let Some((mut header, len)) = Header::read(out).unwrap() {
            let (payload, rest) = out[len..].split_at(header.payload_len);
            let mut payload = payload.to_vec();
            frames::mask(header.key.take().unwrap(), &mut payload);
            frames::append_with(header, &payload, &mut echo);
            out = rest;
        }
        echo
    }

    #[test]
    fn an_echo_is_the_reply() {
        for shape in [
            SHAPE,
            Shape { size: 0, ..SHAPE },
            Shape {
                fragments: 4,
                ..SHAPE
            },
            Shape {
                deflate: Deflate::NoTakeover,
                content: Content::Json,
                ..SHAPE
            },
        ] {
            for turn in shape.turns(Talk::WebSocket, Sender::Client) {
                let mut checker = Checker::default();
                let progress = checker.check(&turn.reply, &echo(&turn.out)).unwrap();
                assert_eq!(progress, Progress::Complete, "{shape:?}");
            }
        }
    }

    #[test]
    fn the_reply_to_one_turn_is_not_that_to_another() {
        let turns = SHAPE.turns(Talk::WebSocket, Sender::Client);
        assert!(
            Checker::default()
                .check(&turns[0].reply, &echo(&turns[1].out))
                .is_err()
        );
    }
}
