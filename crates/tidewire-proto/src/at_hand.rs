//! The short way of most messages: whole in the input, in one frame, sent as they are.

use crate::assembly::unmask;
use crate::closing::Closing;
use crate::connection::Connection;
use crate::error::ProtocolError;
use crate::event::{Delivery, Kind, Message};
use crate::frame::{FrameHeader, ReservedBits};
use crate::inbox::{Inbox, Input};
use crate::limits::Limits;
use crate::place::Place;
use crate::reader::ReceiveState;
use crate::role::Role;
use crate::text;

impl<R: Role> Connection<R> {
    /// Takes the next message where the whole of it is at hand: in the inbox, in one frame, sent as it is.
    ///
    /// Everything else is left for a [turn](Self::turn): a part, a fragment, a compressed message, a control frame, a
    /// broken rule. Since nothing is owed to the peer for what is taken, this needs neither time nor output.
    #[inline]
    pub fn message_at_hand<'i>(&mut self, inbox: &'i mut Inbox) -> Option<Message<'i>> {
        let len = inbox.unread().len();
        let (mut input, fresh) = inbox.open();
        if fresh {
            self.note_heard();
        }
        match self
            .receive
            .at_hand::<R>(&mut input, &self.send.closing, &self.config.limits)
        {
            Ok(message) => message,
            Err(_) => {
                // A turn finds it again, and knows.
                self.receive.place = Place::InvalidText(len - input.len());
                input.put_back(len);
                None
            }
        }
    }
}

impl ReceiveState {
    /// Takes the next message if it is at hand; fails for a text that is not UTF-8, which is taken, too.
    #[inline]
    pub(crate) fn at_hand<'t, R: Role>(
        &mut self,
        input: &mut Input<'t>,
        closing: &Closing,
        limits: &Limits,
    ) -> Result<Option<Message<'t>>, ProtocolError> {
        self.settle();
        if !self.is_between_messages() || !closing.may_receive() {
            return Ok(None);
        }
        // What breaks a rule is judged once more, where it can be reported.
        let Ok(Some((header, header_len))) = FrameHeader::parse(input.bytes(), R::PEER, ReservedBits::NONE)
        else {
            return Ok(None);
        };
        let Some(kind) = header.opcode.begins().filter(|_| header.fin) else {
            return Ok(None);
        };
        let len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
        if len > input.len() - header_len || !limits.allow_single_frame(len) {
            return Ok(None);
        }
        input.take(header_len);
        let payload = input.take(len);
        unmask(header.masking_key, payload);
        Ok(Some(match kind {
            Kind::Binary => Message::Binary(payload),
            Kind::Text => Message::Text(text::check(payload)?),
        }))
    }

    /// Whether a message may begin with the next byte, to be handed over whole.
    #[inline]
    fn is_between_messages(&self) -> bool {
        self.is_at_header() && self.delivery == Delivery::Messages && !self.assembly.is_open()
    }
}
