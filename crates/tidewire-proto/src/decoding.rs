//! What the receiving half does with frames that have a reserved bit.

use crate::assembly::{unmask, with_room};
use crate::error::ProtocolError;
use crate::event::{End, Kind};
use crate::frame::ReservedBits;
use crate::place::OpenFrame;
use crate::reader::{Reader, ReceiveState, Stop, WORK_A_TURN};
use crate::role::Role;
use crate::writer::Writer;

/// How much compressed input is inflated at once: at most 1 MiB comes of it, since DEFLATE expands at most 1,032 times.
const INFLATED_AT_ONCE: usize = 1024;

impl<'t> Reader<'t> {
    /// Takes what has arrived of a frame of which extensions made something.
    // Cold, so that it takes no registers from plain frames; a call is little beside what it does.
    #[cold]
    pub(crate) fn coded<R: Role>(
        &mut self,
        frame: &mut OpenFrame,
        tx: &mut Writer<'_, R>,
    ) -> Result<Option<Stop<'t>>, ProtocolError> {
        let limit = self.config.limits.max_message();
        if !frame.reserved.meet(self.state.extended) {
            self.inflate(frame, frame.kind, limit, tx)?;
            return self.hand_over(frame.end(), None);
        }
        // What the extension has made is bytes, and is given to it whole. Who compressed last inflates first.
        if self.state.inflate.is_some() && frame.reserved.meet(ReservedBits::RSV1) {
            self.inflate(frame, Kind::Binary, with_room(limit), tx)?;
        } else {
            let (key, piece) = frame.take(&mut self.input, usize::MAX);
            let behind = if frame.remaining == 0 { self.input.len() } else { 0 };
            self.state
                .assembly
                .append(Kind::Binary, key, piece, frame.remaining, behind, self.stores)?;
        }
        match frame.end() {
            End::More => Ok(None),
            End::Last => {
                self.decode(frame.kind, limit, tx)?;
                self.hand_over(End::Last, None)
            }
        }
    }

    /// Has the extension decode the message that is stored.
    fn decode<R: Role>(
        &mut self,
        kind: Kind,
        limit: usize,
        tx: &mut Writer<'_, R>,
    ) -> Result<(), ProtocolError> {
        let assembly = &mut self.state.assembly;
        let payload = assembly.take_stored();
        self.work += payload.len();
        let decoded = match &mut tx.state.coding {
            Some(coding) => coding.decode(kind, payload, limit)?,
            None => payload,
        };
        self.work += decoded.len();
        if decoded.len() > limit {
            return Err(ProtocolError::MessageTooBig {
                len: decoded.len() as u64,
                limit,
            });
        }
        assembly.store(kind, decoded)
    }

    /// Inflates what has arrived of a compressed frame, into a store of this type.
    fn inflate<R: Role>(
        &mut self,
        frame: &mut OpenFrame,
        kind: Kind,
        limit: usize,
        tx: &mut Writer<'_, R>,
    ) -> Result<(), ProtocolError> {
        // A message that gives nothing is of its type all the same.
        self.state.assembly.append_inflated(kind, &[])?;
        loop {
            let waiting = self.state.inflate.as_ref().map_or(0, |inflate| inflate.waiting());
            let most = INFLATED_AT_ONCE.saturating_sub(waiting).max(1);
            let (key, piece) = frame.take(&mut self.input, most);
            unmask(key, piece);
            let ReceiveState {
                inflate, assembly, ..
            } = &mut *self.state;
            if let Some(inflate) = inflate {
                let take = |inflated: &[u8]| assembly.append_inflated(kind, inflated);
                self.work += inflate.inflate(tx.now, piece, frame.end(), limit, take)?;
            }
            if frame.remaining == 0 || self.input.len() == 0 || self.work >= WORK_A_TURN {
                break;
            }
        }
        if let Some(at) = self
            .state
            .inflate
            .as_ref()
            .and_then(|inflate| inflate.sleeps_at())
        {
            tx.state.sleep_at(at);
        }
        Ok(())
    }
}
