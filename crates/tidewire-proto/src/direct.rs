//! Reading from the transport straight into the message.

use alloc::vec::Vec;
use core::mem;

use crate::connection::Connection;
use crate::event::{Delivery, Kind};
use crate::frame::ReservedBits;
use crate::place::{OpenFrame, Place};
use crate::reader::{Begun, ReceiveState};
use crate::role::Role;

/// Where less than this is missing, the bytes may as well come with those of the next frame.
const LONG: u64 = 16 * 1024;

impl<R: Role> Connection<R> {
    /// Lends the store of a long binary message that has not arrived whole, and says how many bytes may be appended to it:
    /// the transport's next ones, as they come. Needs an inbox that was consumed. A store that is full is not lent: it grows
    /// with what comes by the [`Inbox`](crate::Inbox).
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
        let room = store.capacity() - store.len();
        let most = usize::try_from(remaining).map_or(room, |left| left.min(room));
        // It grows in a turn, with what comes by the inbox.
        (room > 0).then_some((store, most))
    }

    /// Takes the [message's store](Self::message_store) out, for a transport that is read while the connection is used
    /// otherwise: for anything but receiving. It is to be [put back](Self::put_back_message_store) before that goes on.
    pub fn take_message_store(&mut self) -> Option<(Vec<u8>, usize)> {
        self.message_store().map(|(store, most)| (mem::take(store), most))
    }

    /// Puts the message's store back, and takes the last `len` bytes of it as received; otherwise as
    /// [`handle_stored`](Self::handle_stored).
    ///
    /// Where the connection has ended meanwhile, the store is dropped.
    pub fn put_back_message_store(&mut self, store: Vec<u8>, len: usize) -> bool {
        if self.receive.binary_frame().is_none() {
            return false;
        }
        self.receive.assembly.put_store(store);
        self.handle_stored(len)
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
        if self.delivery == Delivery::Messages && self.begun == Begun::Nothing {
            self.binary_frame()
        } else {
            None
        }
    }

    /// The frame that is open, where it is one of a binary message that is sent as it is.
    fn binary_frame(&mut self) -> Option<&mut OpenFrame> {
        match &mut self.place {
            Place::Payload(frame) if frame.reserved == ReservedBits::NONE && frame.kind == Kind::Binary => {
                (!frame.opcode.is_control()).then_some(frame)
            }
            Place::Payload(_) | Place::Header(_) | Place::InvalidText(_) => None,
        }
    }

    fn note_stored(&mut self, len: usize) -> bool {
        let Some(frame) = self.binary_frame() else {
            return false;
        };
        let key = frame.advance(len);
        let is_whole = frame.remaining == 0;
        self.assembly.unmask_last(key, len);
        is_whole
    }
}
