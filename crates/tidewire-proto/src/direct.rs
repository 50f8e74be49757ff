//! Reading from the transport straight into the message.

use alloc::vec::Vec;

use crate::assembly::Form;
use crate::connection::Connection;
use crate::event::{Delivery, Kind};
use crate::reader::{OpenFrame, Place, ReceiveState};
use crate::role::Role;

/// Where less than this is missing, the bytes may as well come with those of the next frame.
const LONG: u64 = 16 * 1024;

impl<R: Role> Connection<R> {
    /// Lends the store of a long binary message that has not arrived whole, and says how many bytes may be appended to it:
    /// the transport's next ones, as they come. Needs an inbox that was consumed.
    ///
    /// Reading into it saves the copy out of an [`Inbox`](crate::Inbox). How many were appended is to be
    /// [told](Self::handle_stored) before anything else is done with the connection.
    pub fn message_store(&mut self) -> Option<(&mut Vec<u8>, usize)> {
        let remaining = self
            .receive
            .stored_frame()
            .filter(|frame| frame.remaining >= LONG)?
            .remaining;
        let store = self.receive.assembly.binary_store()?;
        if store.len() == store.capacity() {
            // No further than what has arrived.
            store.reserve_exact(usize::try_from(remaining).map_or(store.len(), |left| left.min(store.len())));
        }
        let room = store.capacity() - store.len();
        let most = usize::try_from(remaining).map_or(room, |left| left.min(room));
        Some((store, most))
    }

    /// Takes the last `len` bytes of the [message's store](Self::message_store) as received.
    ///
    /// Says whether the frame is whole: then the next [turn](Self::turn) goes on with it, even without input.
    pub fn handle_stored(&mut self, len: usize) -> bool {
        if len > 0 {
            self.note_heard();
        }
        self.receive.note_stored(len)
    }
}

impl ReceiveState {
    /// The frame that is open, where its payload goes into the store as it is.
    fn stored_frame(&mut self) -> Option<&mut OpenFrame> {
        let stores = self.delivery == Delivery::Messages && !self.chunked;
        match &mut self.place {
            Place::Payload(frame) if stores && frame.form == Form::Plain && frame.kind == Kind::Binary => {
                (!frame.opcode.is_control()).then_some(frame)
            }
            Place::Payload(_) | Place::Header(_) | Place::InvalidText(_) => None,
        }
    }

    fn note_stored(&mut self, len: usize) -> bool {
        let Some(frame) = self.stored_frame() else {
            return false;
        };
        let key = frame.advance(len);
        let is_whole = frame.remaining == 0;
        self.assembly.unmask_last(key, len);
        is_whole
    }
}
