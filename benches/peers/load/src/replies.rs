//! What a server must answer, and whether it did: to the byte.

use anyhow::{Result, bail, ensure};

use crate::compression::{self, Deflate};
use crate::frames::{CONTINUATION, Header, mask};

/// What is to come back for one turn.
#[derive(Debug)]
pub(crate) enum Reply {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These messages, in frames that cannot be told in advance.
    Messages {
        messages: Vec<Message>,
        sender: Sender,
        deflate: Deflate,
    },
}

/// A message and its type.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

/// Who sends the replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A client masks its frames.
    Client,
    /// A server must not.
    Server,
}

/// Whether all of a reply has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Incomplete,
    Complete,
}

/// Checks the replies of one connection, in whatever pieces they arrive.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    /// Bytes, or messages, of the current reply that were right.
    done: usize,
    /// The start of a frame whose end has not come.
    partial: Vec<u8>,
    /// The header of the first frame of a message whose last one has not come, and the payload so far.
    begun: Option<Header>,
    payload: Vec<u8>,
    /// Bytes of payload in all replies, as they were on the wire.
    pub(crate) wire_bytes: u64,
}

impl Checker {
    /// Takes what came; after a complete reply, begins with the next.
    pub(crate) fn check(&mut self, reply: &Reply, bytes: &[u8]) -> Result<Progress> {
        let progress = match reply {
            Reply::Bytes(expected) => self.compare(expected, bytes)?,
            Reply::Messages {
                messages,
                sender,
                deflate,
            } => self.read(messages, *sender, *deflate, bytes)?,
        };
        if progress == Progress::Complete {
            self.done = 0;
        }
        Ok(progress)
    }

    fn compare(&mut self, expected: &[u8], bytes: &[u8]) -> Result<Progress> {
        let rest = &expected[self.done..];
        ensure!(
            bytes.len() <= rest.len(),
            "{} bytes more than expected",
            bytes.len() - rest.len()
        );
        if *bytes != rest[..bytes.len()] {
            let right = bytes.iter().zip(rest).take_while(|(a, b)| a == b).count();
            bail!(
                "byte {} of {} is {:#04x}, not {:#04x}",
                self.done + right,
                expected.len(),
                bytes[right],
                rest[right]
            );
        }
        self.done += bytes.len();
        Ok(if self.done == expected.len() {
            Progress::Complete
        } else {
            Progress::Incomplete
        })
    }

    fn read(
        &mut self,
        messages: &[Message],
        sender: Sender,
        deflate: Deflate,
        bytes: &[u8],
    ) -> Result<Progress> {
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend(bytes);
        let mut at = 0;
        while let Some((header, len)) = Header::read(&partial[at..])? {
            let Some(payload) = partial.get_mut(at + len..at + len + header.payload_len) else {
                break;
            };
            at += len + header.payload_len;
            let Some(expected) = messages.get(self.done) else {
                bail!("a frame more than expected");
            };
            ensure!(
                header.key.is_some() == (sender == Sender::Client),
                "{sender:?} with the key {:?}",
                header.key
            );
            if let Some(key) = header.key {
                mask(key, payload);
            }
            self.wire_bytes += payload.len() as u64;
            self.handle_frame(expected, deflate, header, payload)?;
        }
        partial.drain(..at);
        ensure!(
            partial.is_empty() || self.done < messages.len(),
            "{} bytes more than expected",
            partial.len()
        );
        self.partial = partial;
        Ok(if self.done == messages.len() {
            Progress::Complete
        } else {
            Progress::Incomplete
        })
    }

    fn handle_frame(
        &mut self,
        expected: &Message,
        deflate: Deflate,
        header: Header,
        payload: &[u8],
    ) -> Result<()> {
        let first = self.begun.unwrap_or(header);
        if self.begun.is_some() {
            ensure!(
                header.opcode == CONTINUATION && !header.rsv1,
                "a fragment goes on with {header:?}"
            );
        } else {
            ensure!(
                header.opcode == expected.opcode,
                "opcode {}, not {}",
                header.opcode,
                expected.opcode
            );
            ensure!(
                header.rsv1 == (deflate != Deflate::Off),
                "RSV1 is {} with deflate {deflate:?}",
                header.rsv1
            );
        }
        self.payload.extend(payload);
        if !header.fin {
            self.begun = Some(first);
            return Ok(());
        }
        match deflate {
            Deflate::Off => ensure!(
                self.payload == expected.payload,
                "message of {} bytes is another than that sent, of {}",
                self.payload.len(),
                expected.payload.len()
            ),
            _ => compression::check(&self.payload, &expected.payload)?,
        }
        self.payload.clear();
        self.begun = None;
        self.done += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{BINARY, TEXT};

    /// Gives the bytes in every split into two, and one by one; all must have the same end.
    fn all_splits(reply: &Reply, bytes: &[u8]) -> Result<Progress> {
        let whole = Checker::default().check(reply, bytes);
        for split in 1..bytes.len() {
            let mut checker = Checker::default();
            let (start, end) = bytes.split_at(split);
            let halves = checker.check(reply, start).and_then(|progress| match progress {
                Progress::Incomplete => checker.check(reply, end),
                Progress::Complete => bail!("complete too early"),
            });
            assert_eq!(whole.as_ref().ok(), halves.as_ref().ok(), "split at {split}");
        }
        whole
    }

    fn messages(sender: Sender, payloads: &[&[u8]]) -> Reply {
        Reply::Messages {
            messages: payloads
                .iter()
                .map(|payload| Message {
                    opcode: BINARY,
                    payload: payload.to_vec(),
                })
                .collect(),
            sender,
            deflate: Deflate::Off,
        }
    }

    #[test]
    fn the_right_bytes_are_a_reply() {
        let reply = Reply::Bytes(b"\x82\x02ab\x82\x01c".to_vec());
        assert_eq!(
            all_splits(&reply, b"\x82\x02ab\x82\x01c").unwrap(),
            Progress::Complete
        );
        assert_eq!(
            all_splits(&reply, b"\x82\x02ab\x82\x01").unwrap(),
            Progress::Incomplete
        );
    }

    #[test]
    fn one_checker_takes_one_reply_after_the_other() {
        let mut checker = Checker::default();
        let reply = messages(Sender::Server, &[b"ab", b"c"]);
        for _ in 0..3 {
            assert_eq!(
                checker.check(&reply, b"\x82\x02ab\x82").unwrap(),
                Progress::Incomplete
            );
            assert_eq!(checker.check(&reply, b"\x01c").unwrap(), Progress::Complete);
        }
        assert_eq!(checker.wire_bytes, 9);
    }

    #[test]
    fn any_other_byte_is_an_error() {
        let right = b"\x82\x02ab\x82\x01c";
        for at in 0..right.len() {
            for flip in 0..8 {
                let mut wrong = right.to_vec();
                wrong[at] ^= 1 << flip;
                for reply in [
                    Reply::Bytes(right.to_vec()),
                    messages(Sender::Server, &[b"ab", b"c"]),
                ] {
                    let result = Checker::default().check(&reply, &wrong);
                    // A longer frame may yet come; it is never complete.
                    assert!(
                        !matches!(result, Ok(Progress::Complete)),
                        "bit {flip} of byte {at} of {reply:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_missing_frame_leaves_a_reply_incomplete() {
        let reply = messages(Sender::Server, &[b"ab", b"c"]);
        assert_eq!(all_splits(&reply, b"\x82\x02ab").unwrap(), Progress::Incomplete);
    }

    #[test]
    fn more_than_was_asked_for_is_an_error() {
        assert!(
            Checker::default()
                .check(&Reply::Bytes(b"ab".to_vec()), b"abc")
                .is_err()
        );
        let reply = messages(Sender::Server, &[b"ab"]);
        assert!(Checker::default().check(&reply, b"\x82\x02ab\x82").is_err());
        assert!(Checker::default().check(&reply, b"\x82\x02ab\x82\x02ab").is_err());
    }

    #[test]
    fn a_server_must_not_mask_and_a_client_must() {
        let masked = b"\x82\x82\x01\x02\x03\x04\x60\x60"; // "ab"
        assert_eq!(
            all_splits(&messages(Sender::Client, &[b"ab"]), masked).unwrap(),
            Progress::Complete
        );
        assert!(all_splits(&messages(Sender::Server, &[b"ab"]), masked).is_err());
        assert!(all_splits(&messages(Sender::Client, &[b"ab"]), b"\x82\x02ab").is_err());
    }

    #[test]
    fn a_message_may_come_in_fragments() {
        let reply = messages(Sender::Server, &[b"abc"]);
        assert_eq!(
            all_splits(&reply, b"\x02\x01a\x00\x01b\x80\x01c").unwrap(),
            Progress::Complete
        );
        assert!(all_splits(&reply, b"\x02\x01a\x02\x01b\x80\x01c").is_err());
        assert!(all_splits(&reply, b"\x02\x01a\x80\x01b").is_err());
        assert!(all_splits(&reply, b"\x80\x03abc").is_err());
    }

    #[test]
    fn a_compressed_message_must_be_compressed() {
        let reply = Reply::Messages {
            messages: vec![Message {
                opcode: TEXT,
                payload: b"Hello".to_vec(),
            }],
            sender: Sender::Server,
            deflate: Deflate::NoTakeover,
        };
        // RFC 7692 §7.2.3.1
        let right = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
        assert_eq!(all_splits(&reply, right).unwrap(), Progress::Complete);
        assert!(all_splits(&reply, b"\x81\x05Hello").is_err());
        assert!(all_splits(&reply, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x01\x00").is_err());
    }
}
