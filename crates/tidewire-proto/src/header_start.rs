use crate::error::ProtocolError;
use crate::frame::header::MAX_HEADER;
use crate::frame::{FrameHeader, ReservedBits, Sender};
use crate::inbox::Input;

/// The start of a header whose rest has not arrived.
#[derive(Debug)]
pub(crate) struct HeaderStart {
    spill: [u8; MAX_HEADER],
    spilled: u8,
}

impl HeaderStart {
    pub(crate) const NOTHING: Self = Self {
        spill: [0; MAX_HEADER],
        spilled: 0,
    };

    /// Whether nothing of a header has arrived.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.spilled == 0
    }

    /// Completes a header from what was spilled and what arrived; spills what is not enough.
    #[inline]
    pub(crate) fn complete(
        &mut self,
        input: &mut Input<'_>,
        sender: Sender,
        claimed: ReservedBits,
    ) -> Result<Option<FrameHeader>, ProtocolError> {
        if self.is_empty()
            && let Some((header, len)) = FrameHeader::parse(input.bytes(), sender, claimed)?
        {
            input.take(len);
            return Ok(Some(header));
        }
        // One byte at a time: the parser says when there are enough, and the rest belongs to the payload.
        while let [byte] = *input.take(1) {
            let Some(slot) = self.spill.get_mut(usize::from(self.spilled)) else {
                break;
            };
            *slot = byte;
            self.spilled += 1;
            let spilled = self.spill.get(..usize::from(self.spilled)).unwrap_or_default();
            if let Some((header, _)) = FrameHeader::parse(spilled, sender, claimed)? {
                self.spilled = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}
