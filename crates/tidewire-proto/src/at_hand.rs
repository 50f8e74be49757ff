use crate::assembly::unmask;
use crate::error::ProtocolError;
use crate::event::{Delivery, Kind, Message};
use crate::frame::{FrameHeader, ReservedBits};
use crate::reader::{Place, Reader, ReceiveState};
use crate::role::Role;
use crate::text;
use crate::writer::Writer;

impl<'t> Reader<'t> {
    /// Takes the next message where the whole of it is at hand: in the input, in one frame, sent as it is.
    ///
    /// Everything else is left for [`next`](Self::next): a part, a fragment, a compressed message, a control frame, a
    /// broken rule. So nothing is owed to the peer for what was taken, and an embedder may take many messages in one
    /// turn and treat each as if it came when its own turn does.
    #[inline]
    pub fn next_at_hand<R: Role>(&mut self, tx: &Writer<'_, R>) -> Option<Message<'t>> {
        let before = self.input.len();
        match self.at_hand(tx) {
            Ok(message) => message,
            Err(_) => {
                self.state.place = Place::InvalidText;
                self.input.put_back(before);
                None
            }
        }
    }

    /// As [`next_at_hand`](Self::next_at_hand), but a text that is not UTF-8 is taken and fails.
    #[inline]
    pub(crate) fn at_hand<R: Role>(
        &mut self,
        tx: &Writer<'_, R>,
    ) -> Result<Option<Message<'t>>, ProtocolError> {
        self.state.settle();
        if !self.state.is_between_messages() || !tx.state.closing.may_receive() {
            return Ok(None);
        }
        // What breaks a rule is judged once more, by `next`.
        let Ok(Some((header, header_len))) =
            FrameHeader::parse(self.input.bytes(), R::PEER, ReservedBits::NONE)
        else {
            return Ok(None);
        };
        let Some(kind) = header.opcode.begins().filter(|_| header.fin) else {
            return Ok(None);
        };
        let len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
        if len > self.input.len() - header_len || !self.config.limits.allow_single_frame(len) {
            return Ok(None);
        }
        self.input.take(header_len);
        let payload = self.input.take(len);
        unmask(header.masking_key, payload);
        Ok(Some(match kind {
            Kind::Binary => Message::Binary(payload),
            Kind::Text => Message::Text(text::check(payload)?),
        }))
    }
}

impl ReceiveState {
    /// Whether a message may begin with the next byte, to be handed over whole.
    #[inline]
    fn is_between_messages(&self) -> bool {
        self.is_at_header() && self.delivery == Delivery::Messages && !self.assembly.is_open()
    }
}
