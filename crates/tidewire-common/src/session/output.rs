use crate::queue::MessageEnds;

/// The output of a connection. Mostly there is none, and then it is as small as a pointer: to get memory costs less than
/// ten thousand idle connections that keep it.
#[derive(Debug, Default)]
pub(super) struct Output(Option<Box<Waiting>>);

/// What waits to be written.
#[derive(Debug, Default)]
struct Waiting {
    /// The first `sent` of these bytes have left.
    bytes: Vec<u8>,
    sent: usize,
    /// How many bytes were taken to be written; they come before `bytes`.
    taken: usize,
    message_ends: MessageEnds,
}

impl Output {
    /// Lends the buffer to append to; it is empty where nothing waits.
    pub(super) fn append<T>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        if let Some(waiting) = &mut self.0 {
            return append(&mut waiting.bytes);
        }
        let mut bytes = Vec::new();
        let result = append(&mut bytes);
        if !bytes.is_empty() {
            self.0 = Some(Box::new(Waiting {
                bytes,
                ..Waiting::default()
            }));
        }
        result
    }

    /// What has neither left nor been taken.
    pub(super) fn unsent(&self) -> &[u8] {
        let waiting = self.0.as_ref();
        waiting
            .and_then(|waiting| waiting.bytes.get(waiting.sent..))
            .unwrap_or_default()
    }

    /// How many bytes were taken.
    pub(super) fn taken(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.taken)
    }

    /// Takes what has not left: the buffer, and how much of it has.
    pub(super) fn take(&mut self) -> (Vec<u8>, usize) {
        let waiting = self.0.get_or_insert_default();
        waiting.taken = waiting.bytes.len() - waiting.sent;
        // To the core, an empty output is one that has left: a byte that is never written stands for what was taken.
        let bytes = std::mem::replace(&mut waiting.bytes, vec![0]);
        (bytes, std::mem::replace(&mut waiting.sent, 1))
    }

    /// Notes that what was taken is no longer outside.
    pub(super) fn note_given_back(&mut self) {
        if let Some(waiting) = &mut self.0 {
            waiting.taken = 0;
        }
    }

    /// Puts bytes in front, the first `sent` of which have left.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>, sent: usize) {
        bytes.extend_from_slice(self.unsent());
        let waiting = self.0.get_or_insert_default();
        waiting.bytes = bytes;
        waiting.sent = sent;
    }

    /// Notes that the first `written` of the unsent bytes have left.
    pub(super) fn note_sent(&mut self, written: usize) {
        if let Some(waiting) = &mut self.0 {
            waiting.sent += written;
        }
    }

    /// Forgets the messages that have left now that `sent` bytes have in all, and gives everything back if all have.
    pub(super) fn pass(&mut self, sent: u64) {
        if self.unsent().is_empty() {
            self.0 = None;
        } else if let Some(waiting) = &mut self.0 {
            waiting.message_ends.pass(sent);
        }
    }

    /// Drops the bytes; which messages they were can still be asked for.
    pub(super) fn drop_bytes(&mut self) {
        if let Some(waiting) = &mut self.0 {
            waiting.bytes = Vec::new();
            waiting.sent = 0;
        }
    }

    /// Notes that the last message in it ends at this byte in the order of all.
    pub(super) fn note_message(&mut self, end: u64) {
        self.0.get_or_insert_default().message_ends.push(end);
    }

    /// How many messages have not left whole.
    pub(super) fn messages(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.message_ends.len())
    }
}
