use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;
use std::mem;

use crate::outgoing::Outgoing;

/// Where more than this much of the buffer has left, and four times what has not, it is taken out: little is moved for it.
const GONE: usize = 16 * 1024;

/// How many slices are worth writing at once: eight long messages, each behind its header.
pub const SLICES: usize = 16;

/// Frames on their way to the peer, in order: mostly bytes in one buffer, and between them long payloads where they lie,
/// which are never copied.
#[derive(Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// How many of the bytes have left.
    sent: usize,
    lent: VecDeque<Lent>,
    /// How much of the lent payloads has not left.
    lent_len: usize,
}

/// A message whose header stands in the bytes, and whose payload does not.
struct Lent {
    message: Outgoing,
    /// The payload follows this many bytes.
    behind: usize,
    /// How much of the payload has left.
    sent: usize,
}

impl Lent {
    fn unsent(&self) -> &[u8] {
        self.message
            .as_message()
            .as_bytes()
            .get(self.sent..)
            .unwrap_or_default()
    }
}

impl Frames {
    /// The buffer to append frames to.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends the payload of a message whose header was appended last.
    pub(super) fn lend(&mut self, message: Outgoing) {
        self.lent_len += message.as_message().as_bytes().len();
        self.lent.push_back(Lent {
            message,
            behind: self.bytes.len(),
            sent: 0,
        });
    }

    /// How much has not left.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent + self.lent_len
    }

    /// Lists what has not left, or the start of it, in as many slices as there is room for.
    pub(super) fn slices<'s, 'f>(&'f self, slices: &'s mut [IoSlice<'f>]) -> &'s [IoSlice<'f>] {
        let mut room = slices.iter_mut();
        let mut listed = 0;
        let mut list = |part: &'f [u8]| {
            if part.is_empty() {
                return true;
            }
            let slot = room.next();
            let has_room = slot.is_some();
            if let Some(slot) = slot {
                *slot = IoSlice::new(part);
                listed += 1;
            }
            has_room
        };
        let mut start = self.sent;
        let fits = self.lent.iter().all(|lent| {
            let bytes = self.bytes.get(start..lent.behind).unwrap_or_default();
            start = lent.behind;
            list(bytes) && list(lent.unsent())
        });
        if fits {
            list(self.bytes.get(start..).unwrap_or_default());
        }
        slices.get(..listed).unwrap_or_default()
    }

    /// Notes that the next `written` bytes have left.
    pub(super) fn advance(&mut self, mut written: usize) {
        while let Some(lent) = self.lent.front_mut() {
            let bytes = written.min(lent.behind - self.sent);
            let payload = (written - bytes).min(lent.unsent().len());
            self.sent += bytes;
            self.lent_len -= payload;
            lent.sent += payload;
            written -= bytes + payload;
            if self.sent < lent.behind || !lent.unsent().is_empty() {
                break;
            }
            if let Some(lent) = self.lent.pop_front() {
                lent.message.keep_memory();
            }
        }
        self.sent += written;
        if self.sent > GONE && self.sent / 4 > self.bytes.len() - self.sent {
            self.forget_sent();
        }
    }

    /// Takes what has left out of the buffer: frames that never all leave would make it grow for ever.
    ///
    /// One byte of it stays: to the core, an empty output is one that has left.
    #[cold]
    fn forget_sent(&mut self) {
        let gone = self.sent.saturating_sub(1);
        self.bytes.drain(..gone);
        self.sent -= gone;
        for lent in &mut self.lent {
            lent.behind -= gone;
        }
    }

    /// Appends frames that come behind these; gives their buffer back.
    pub(super) fn append(&mut self, later: Self) -> Vec<u8> {
        let mut start = later.sent;
        for lent in later.lent {
            self.bytes
                .extend_from_slice(later.bytes.get(start..lent.behind).unwrap_or_default());
            start = lent.behind;
            self.lent_len += lent.unsent().len();
            self.lent.push_back(Lent {
                behind: self.bytes.len(),
                ..lent
            });
        }
        self.bytes
            .extend_from_slice(later.bytes.get(start..).unwrap_or_default());
        later.bytes
    }

    /// Takes what has not left, and goes on with this buffer.
    ///
    /// A byte that is never written stands for it: to the core, an empty output is one that has left.
    pub(super) fn take(&mut self, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.push(0);
        let placeholder = Self {
            bytes: buffer,
            sent: 1,
            ..Self::default()
        };
        mem::replace(self, placeholder)
    }

    /// Forgets all of it, and keeps the buffer.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.sent = 0;
        self.lent.clear();
        self.lent_len = 0;
    }

    /// Gives up all memory, and keeps the count: how much will never leave.
    pub(super) fn let_go(&mut self) {
        *self = Self {
            lent_len: self.len(),
            ..Self::default()
        };
    }

    /// How much memory the buffer has.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Shows the length alone.
impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::message::Message;

    /// Something that is done with frames.
    #[derive(Clone, Debug)]
    enum Step {
        Append(Vec<u8>),
        Lend(Vec<u8>),
        LendText(String),
        Advance(Index),
        Take,
        /// Gives what was taken back, of which so much has left, or all.
        GiveBack(Option<Index>),
    }

    fn step() -> impl Strategy<Value = Step> {
        // Empty ones, too.
        let bytes = || vec(any::<u8>(), 0..12);
        prop_oneof![
            4 => bytes().prop_map(Step::Append),
            3 => bytes().prop_map(Step::Lend),
            1 => "[a-zäöü潮]{0,6}".prop_map(Step::LendText),
            4 => any::<Index>().prop_map(Step::Advance),
            1 => Just(Step::Take),
            2 => proptest::option::of(any::<Index>()).prop_map(Step::GiveBack),
        ]
    }

    /// Frames and the bytes that they stand for.
    #[derive(Default)]
    struct Modelled {
        frames: Frames,
        model: Vec<u8>,
    }

    impl Modelled {
        fn lend(&mut self, message: impl Into<Message>) {
            let message = message.into();
            self.model.extend_from_slice(message.as_bytes());
            self.frames.lend(message.into());
        }

        fn advance(&mut self, by: usize) {
            self.frames.advance(by);
            self.model.drain(..by);
        }

        fn check(&self) {
            assert_eq!(self.frames.len(), self.model.len());
            for room in 0..6 {
                assert!(
                    self.model.starts_with(&listed(&self.frames, room)),
                    "room for {room}"
                );
            }
            // More than there are steps.
            assert_eq!(listed(&self.frames, 128), self.model);
            let is_listed = !listed(&self.frames, 1).is_empty();
            assert_eq!(is_listed, !self.model.is_empty(), "the first slice has something");
        }
    }

    /// What so many slices list; none of them is empty.
    fn listed(frames: &Frames, room: usize) -> Vec<u8> {
        let mut slices = vec![IoSlice::new(&[]); room];
        let slices = frames.slices(&mut slices);
        assert!(slices.iter().all(|slice| !slice.is_empty()));
        slices.iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    proptest! {
        #[test]
        fn frames_are_the_bytes_in_their_order_whatever_leaves_or_is_taken(steps in vec(step(), 0..40)) {
            let (mut inside, mut outside) = (Modelled::default(), None);
            for step in steps {
                match step {
                    Step::Append(bytes) => {
                        inside.frames.bytes().extend_from_slice(&bytes);
                        inside.model.extend(bytes);
                    }
                    Step::Lend(bytes) => inside.lend(bytes),
                    Step::LendText(text) => inside.lend(text),
                    // While some is outside, nothing inside leaves.
                    Step::Advance(by) if outside.is_none() => inside.advance(by.index(inside.model.len() + 1)),
                    Step::Take if outside.is_none() => {
                        outside = Some(Modelled {
                            frames: inside.frames.take(Vec::new()),
                            model: mem::take(&mut inside.model),
                        });
                        prop_assert!(!inside.frames.bytes().is_empty(), "to the core, nothing has left");
                    }
                    Step::GiveBack(by) => {
                        if let Some(mut taken) = outside.take() {
                            let len = taken.model.len();
                            taken.advance(by.map_or(len, |by| by.index(len + 1)));
                            if taken.frames.len() > 0 {
                                taken.frames.append(inside.frames);
                                taken.model.extend(inside.model);
                                inside = taken;
                            }
                        }
                    }
                    Step::Advance(_) | Step::Take => {}
                }
                inside.check();
                if let Some(outside) = &outside {
                    outside.check();
                }
            }
        }
    }

    /// Header, payload, header, payload, and a frame behind them.
    fn two_lent() -> Modelled {
        let mut frames = Modelled::default();
        for (header, payload) in [("one:", "first"), ("two:", "second")] {
            frames.frames.bytes().extend_from_slice(header.as_bytes());
            frames.model.extend_from_slice(header.as_bytes());
            frames.lend(payload);
        }
        frames.frames.bytes().extend_from_slice(b"end");
        frames.model.extend_from_slice(b"end");
        frames
    }

    #[test]
    fn any_number_of_bytes_may_leave_at_once() {
        let len = two_lent().model.len();
        for first in 0..=len {
            for second in 0..=len - first {
                let mut frames = two_lent();
                frames.advance(first);
                frames.check();
                frames.advance(second);
                frames.check();
            }
        }
    }

    #[test]
    fn frames_that_are_put_in_front_may_have_left_in_part_and_so_may_those_behind() {
        let len = two_lent().model.len();
        for first in 0..=len {
            for second in 0..=len {
                let (mut front, mut back) = (two_lent(), two_lent());
                front.advance(first);
                back.advance(second);
                front.frames.append(back.frames);
                front.model.extend(back.model);
                front.check();
                let all = front.model.len();
                front.advance(all);
                front.check();
            }
        }
    }

    /// A payload, and what tells whether it is still there.
    fn watched(len: usize) -> (Bytes, Arc<Vec<u8>>) {
        struct Owner(Arc<Vec<u8>>);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        let payload = Arc::new(vec![7; len]);
        (Bytes::from_owner(Owner(payload.clone())), payload)
    }

    #[test]
    fn a_payload_is_let_go_with_its_last_byte() {
        let (bytes, payload) = watched(100);
        let mut frames = Frames::default();
        frames.bytes().extend_from_slice(b"header");
        frames.lend(Message::from(bytes).into());
        frames.bytes().extend_from_slice(b"next");
        frames.advance(6 + 99);
        assert_eq!(Arc::strong_count(&payload), 2, "one byte is left");
        frames.advance(1);
        assert_eq!((Arc::strong_count(&payload), frames.len()), (1, 4));
    }

    #[test]
    fn payloads_are_let_go_when_frames_are_forgotten() {
        let (bytes, payload) = watched(100);
        let mut frames = Frames::default();
        frames.lend(Message::from(bytes).into());
        frames.advance(50);
        frames.clear();
        assert_eq!((Arc::strong_count(&payload), frames.len()), (1, 0));
    }

    #[test]
    fn the_buffer_of_frames_that_never_all_leave_does_not_grow() {
        let mut frames = Modelled::default();
        for round in 0..1000 {
            frames.frames.bytes().extend_from_slice(&[1; 1000]);
            frames.model.extend_from_slice(&[1; 1000]);
            frames.check();
            frames.lend(vec![2; 10]);
            frames.advance(frames.model.len() - 10 - round % 7);
            assert!(!frames.frames.bytes().is_empty(), "to the core, nothing has left");
            assert!(
                frames.frames.capacity() <= 64 * 1024,
                "{} bytes",
                frames.frames.capacity()
            );
        }
        frames.check();
    }
}
