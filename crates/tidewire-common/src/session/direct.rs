//! Reading from the transport straight into a long message.

use std::fmt;

use tidewire_proto::{Inbox, Instant};

use super::receiving::Parsed;
use super::{Core, Session};

/// The store of a long message, outside of its session; see [`Session::take_message_store`].
pub struct MessageStore {
    bytes: Vec<u8>,
    /// How much had been received before.
    received: usize,
    /// How much of the message may come.
    most: usize,
}

impl MessageStore {
    /// The buffer to append received bytes to, which has room for some.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

/// Shows the length alone.
impl fmt::Debug for MessageStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStore")
            .field("len", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Lends the store of a long message that has not arrived whole, and says how many bytes may be read straight into it;
    /// needs an inbox that was consumed, and [`handle_stored`](Self::handle_stored) to be told.
    #[inline]
    pub fn message_store(&mut self) -> Option<(&mut Vec<u8>, usize)> {
        either!(&mut self.core, connection => connection.message_store())
    }

    /// Takes the last `len` bytes of the message's store as received.
    pub fn handle_stored(&mut self, now: Instant, len: usize) {
        let is_whole = either!(&mut self.core, connection => connection.handle_stored(len));
        self.note_stored(now, len, is_whole);
    }

    fn note_stored(&mut self, now: Instant, len: usize, is_whole: bool) {
        self.traffic.bytes_received += len as u64;
        if is_whole
            && let Parsed::Item(item) = self.parse(now, &mut Inbox::new())
            && !self.gave_up
        {
            self.ahead.push(item);
        }
    }

    /// Takes the store of a long message out that has not arrived whole, to read straight into it while the session is
    /// used otherwise; needs an inbox that was consumed. Until it is [given back](Self::give_back_store), nothing may
    /// be received in another way.
    pub fn take_message_store(&mut self) -> Option<MessageStore> {
        let taken = either!(&mut self.core, connection => connection.take_message_store());
        taken.map(|(bytes, most)| MessageStore {
            received: bytes.len(),
            bytes,
            most,
        })
    }

    /// Takes what was read into a message's store as received; what came behind the message goes into the inbox.
    pub fn give_back_store(&mut self, now: Instant, store: MessageStore, inbox: &mut Inbox) {
        let MessageStore {
            mut bytes,
            received,
            most,
        } = store;
        let end = bytes.len().min(received + most);
        if let Some(behind) = bytes.get(end..).filter(|behind| !behind.is_empty()) {
            inbox.extend(behind);
        }
        bytes.truncate(end);
        let len = end - received;
        let is_whole = either!(&mut self.core, connection => connection.put_back_message_store(bytes, len));
        self.note_stored(now, len, is_whole);
    }
}
