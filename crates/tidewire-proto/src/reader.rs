use alloc::vec::Vec;
use core::fmt;

use crate::assembly::{Assembly, unmask};
use crate::close_code::CloseFrame;
use crate::closing::Phase;
use crate::config::Config;
use crate::error::ProtocolError;
use crate::event::{Answer, Chunk, Delivery, End, Event, Kind, Message, Pong, Received};
use crate::frame::header::MAX_HEADER;
use crate::frame::{FrameHeader, Opcode, Sender, mask};
use crate::inbox::Input;
use crate::role::Role;
use crate::writer::Writer;

/// What the receiving half keeps between two turns.
#[derive(Debug)]
pub(crate) struct ReceiveState {
    pub(crate) delivery: Delivery,
    /// The start of a header whose rest has not arrived.
    spill: [u8; MAX_HEADER],
    spilled: usize,
    /// The frame whose payload has not arrived whole.
    frame: Option<OpenFrame>,
    assembly: Assembly,
    /// The payload of a control frame that did not arrive in one piece.
    control: Vec<u8>,
    /// A part of the open message was handed over as a chunk.
    chunked: bool,
    /// The last event lent a store, which is done with by the next.
    lent: Option<Lent>,
}

#[derive(Clone, Copy, Debug)]
enum Lent {
    Assembly,
    Control,
}

#[derive(Clone, Copy, Debug)]
struct OpenFrame {
    opcode: Opcode,
    end: End,
    /// The type of the message that a data frame belongs to.
    kind: Kind,
    /// The key for the next byte.
    key: Option<[u8; 4]>,
    remaining: u64,
}

impl ReceiveState {
    pub(crate) const fn new() -> Self {
        Self {
            delivery: Delivery::Messages,
            spill: [0; MAX_HEADER],
            spilled: 0,
            frame: None,
            assembly: Assembly::new(),
            control: Vec::new(),
            chunked: false,
            lent: None,
        }
    }

    /// Forgets the store that the last event lent.
    fn settle(&mut self) {
        match self.lent.take() {
            Some(Lent::Assembly) => self.assembly.clear_store(),
            Some(Lent::Control) => self.control = Vec::new(),
            None => {}
        }
    }

    /// Completes a header from what was spilled and what arrived; spills what is not enough.
    fn header(
        &mut self,
        input: &mut Input<'_>,
        sender: Sender,
    ) -> Result<Option<FrameHeader>, ProtocolError> {
        if self.spilled == 0
            && let Some((header, len)) = FrameHeader::parse(input.bytes(), sender)?
        {
            input.take(len);
            return Ok(Some(header));
        }
        // One byte at a time: the parser says when there are enough, and the rest belongs to the payload.
        while let [byte] = *input.take(1) {
            let Some(slot) = self.spill.get_mut(self.spilled) else {
                break;
            };
            *slot = byte;
            self.spilled += 1;
            let spilled = self.spill.get(..self.spilled).unwrap_or_default();
            if let Some((header, _)) = FrameHeader::parse(spilled, sender)? {
                self.spilled = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

/// The receiving half of a [turn](crate::Connection::turn): hands out events one by one.
pub struct Reader<'t> {
    pub(crate) state: &'t mut ReceiveState,
    pub(crate) config: &'t Config,
    pub(crate) input: Input<'t>,
}

/// Where the reader stopped; borrows at most the input, so that the state can be lent afterwards.
enum Stop<'t> {
    Message(Message<'t>),
    Assembled,
    Chunk(Message<'t>, End),
    AssembledChunk(End),
    Control(Control, Option<&'t [u8]>),
}

enum Control {
    Ping,
    Pong(Option<Answer>),
    Close,
}

impl Reader<'_> {
    /// Gives the next event, or `None` once all input is consumed.
    ///
    /// What the peer is owed for it, a Pong, the echo of a Close or the Close frame of a failure, is appended
    /// through `tx`, which belongs to the same turn.
    ///
    /// # Errors
    /// [`ProtocolError`] is the rule that the peer broke, the same on each later call. The Close frame that says
    /// so stands in the output, and all further input is discarded.
    #[inline]
    pub fn next<R: Role>(&mut self, tx: &mut Writer<'_, R>) -> Result<Option<Event<'_>>, ProtocolError> {
        match self.step(tx) {
            Ok(None) => Ok(None),
            Ok(Some(stop)) => {
                let state = &mut *self.state;
                Ok(Some(match stop {
                    Stop::Message(message) => Event::Message(Received::in_input(message)),
                    Stop::Assembled => Event::Message(state.assembly.stored()),
                    Stop::Chunk(data, end) => Event::Chunk(Chunk { data, end }),
                    Stop::AssembledChunk(end) => Event::Chunk(Chunk {
                        data: state.assembly.stored().into(),
                        end,
                    }),
                    Stop::Control(control, payload) => {
                        let payload = payload.unwrap_or(&state.control);
                        match control {
                            Control::Ping => Event::Ping(payload),
                            Control::Pong(answer) => Event::Pong(Pong { payload, answer }),
                            Control::Close => Event::Close(CloseFrame::parse(payload)?),
                        }
                    }
                }))
            }
            Err(error) => {
                // The error of an earlier call is given again, and changes nothing.
                if tx.state.closing.cause().is_none() {
                    tx.fail(error);
                    self.discard(tx);
                }
                Err(error)
            }
        }
    }

    /// How many bytes of the input are not consumed yet.
    pub fn remaining(&self) -> usize {
        self.input.len()
    }

    fn discard<R: Role>(&mut self, tx: &mut Writer<'_, R>) {
        let discarded = self.input.take(usize::MAX).len();
        tx.state.closing.note_discarded(discarded);
        if tx.state.closing.phase() == Phase::Ended {
            tx.state.timers.disarm_all();
        }
    }
}

impl<'t> Reader<'t> {
    #[inline]
    fn step<R: Role>(&mut self, tx: &mut Writer<'_, R>) -> Result<Option<Stop<'t>>, ProtocolError> {
        self.state.settle();
        if tx.state.closing.may_receive()
            && let Some(stop) = self.stored_chunk()
        {
            return Ok(Some(stop));
        }
        loop {
            if !tx.state.closing.may_receive() {
                // §7.1.7: an endpoint "MUST NOT continue to attempt to process data from the remote endpoint".
                self.discard(tx);
                return tx.state.closing.cause().map_or(Ok(None), Err);
            }
            let mut frame = match self.state.frame.take() {
                Some(frame) => frame,
                None => match self.state.header(&mut self.input, R::PEER)? {
                    Some(header) => self.begin(&header)?,
                    None => return Ok(None),
                },
            };
            let have = usize::try_from(frame.remaining)
                .unwrap_or(usize::MAX)
                .min(self.input.len());
            let piece = self.input.take(have);
            frame.remaining -= have as u64;
            let stop = if frame.opcode.is_control() {
                self.control(frame, piece, tx)?
            } else {
                self.data(frame, piece)?
            };
            if frame.remaining > 0 {
                frame.key = frame.key.map(|key| mask::rotated(key, have));
                self.state.frame = Some(frame);
            }
            if stop.is_some() || self.state.frame.is_some() {
                return Ok(stop);
            }
        }
    }

    /// Judges a header against what came before it.
    #[inline]
    fn begin(&mut self, header: &FrameHeader) -> Result<OpenFrame, ProtocolError> {
        let kind = if header.opcode.is_control() {
            Kind::Binary
        } else {
            self.state.assembly.begin_frame(header, &self.config.limits)?
        };
        Ok(OpenFrame {
            opcode: header.opcode,
            end: if header.fin { End::Last } else { End::More },
            kind,
            key: header.masking_key,
            remaining: header.payload_len,
        })
    }

    /// Takes a piece of a data frame.
    #[inline]
    fn data(&mut self, frame: OpenFrame, piece: &'t mut [u8]) -> Result<Option<Stop<'t>>, ProtocolError> {
        let state = &mut *self.state;
        let end = if frame.remaining == 0 {
            frame.end
        } else {
            End::More
        };
        let lendable = state.assembly.is_empty();
        match (state.delivery, end) {
            // The rest of a message that was begun in chunks and given up.
            (Delivery::Messages, _) if state.chunked => {
                state.assembly.append(frame.kind, frame.key, piece, 0)?;
                state.assembly.clear_store();
                if end == End::Last {
                    state.chunked = false;
                    state.assembly.finish()?;
                }
                Ok(None)
            }
            (Delivery::Messages, End::Last) if lendable => {
                let message = state.assembly.check(frame.kind, frame.key, piece)?;
                state.assembly.finish()?;
                Ok(Some(Stop::Message(message)))
            }
            (Delivery::Messages, _) => {
                state
                    .assembly
                    .append(frame.kind, frame.key, piece, frame.remaining)?;
                if end == End::More {
                    return Ok(None);
                }
                state.assembly.finish()?;
                state.lent = Some(Lent::Assembly);
                Ok(Some(Stop::Assembled))
            }
            (Delivery::Chunks, _) => {
                let chunk = if lendable {
                    Some(state.assembly.check(frame.kind, frame.key, piece)?)
                } else {
                    state.assembly.append(frame.kind, frame.key, piece, 0)?;
                    None
                };
                if end == End::Last {
                    state.assembly.finish()?;
                }
                let is_empty = chunk.map_or(!state.assembly.has_stored(), |data| data.as_bytes().is_empty());
                if is_empty && end == End::More {
                    return Ok(None);
                }
                state.chunked = end == End::More;
                let Some(data) = chunk else {
                    state.lent = Some(Lent::Assembly);
                    return Ok(Some(Stop::AssembledChunk(end)));
                };
                Ok(Some(Stop::Chunk(data, end)))
            }
        }
    }

    /// What was assembled before chunks were asked for is the first of them.
    fn stored_chunk(&mut self) -> Option<Stop<'t>> {
        let state = &mut *self.state;
        if state.delivery == Delivery::Messages || !state.assembly.is_open() || !state.assembly.has_stored() {
            return None;
        }
        state.chunked = true;
        state.lent = Some(Lent::Assembly);
        Some(Stop::AssembledChunk(End::More))
    }

    /// Takes a piece of a control frame, and does what the whole frame asks for.
    fn control<R: Role>(
        &mut self,
        frame: OpenFrame,
        piece: &'t mut [u8],
        tx: &mut Writer<'_, R>,
    ) -> Result<Option<Stop<'t>>, ProtocolError> {
        unmask(frame.key, piece);
        let whole = frame.remaining == 0;
        if !whole || !self.state.control.is_empty() {
            self.state.control.extend_from_slice(piece);
            if !whole {
                return Ok(None);
            }
            self.state.lent = Some(Lent::Control);
        }
        let lent_piece = self.state.lent.is_none().then_some(&*piece);
        let payload = lent_piece.unwrap_or(&self.state.control);
        let control = match frame.opcode {
            Opcode::Ping => {
                tx.automatic_pong(payload);
                Control::Ping
            }
            Opcode::Pong => Control::Pong(tx.received_pong(payload)),
            Opcode::Close => {
                tx.received_close(CloseFrame::parse(payload)?);
                Control::Close
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => return Ok(None),
        };
        Ok(Some(Stop::Control(control, lent_piece)))
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
