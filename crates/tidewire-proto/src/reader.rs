use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::assembly::{Assembly, unmask};
use crate::close_code::CloseFrame;
use crate::closing::Phase;
use crate::config::Config;
use crate::deflate::Receiving;
use crate::error::ProtocolError;
use crate::event::{Answer, Chunk, Delivery, End, Event, Kind, Message, Pong, Received};
use crate::frame::{FrameHeader, Opcode, ReservedBits};
use crate::inbox::Input;
use crate::place::{OpenFrame, Place};
use crate::role::Role;
use crate::writer::Writer;

/// How much a turn inflates, or does meanwhile, before it lets others work, while input is left to come back for.
pub(crate) const WORK_A_TURN: usize = 256 * 1024;
/// What the receiving half keeps between two turns.
#[derive(Debug)]
pub(crate) struct ReceiveState {
    pub(crate) delivery: Delivery,
    pub(crate) place: Place,
    pub(crate) assembly: Assembly,
    /// Where permessage-deflate was agreed on.
    pub(crate) inflate: Option<Box<Receiving>>,
    /// The reserved bits that mean something on this connection.
    pub(crate) claimed: ReservedBits,
    /// Those of them that an extension of the application's claims.
    pub(crate) extended: ReservedBits,
    /// The payload of a control frame that did not arrive in one piece.
    #[expect(
        clippy::box_collection,
        reason = "an idle connection has room for the pointer alone"
    )]
    control: Option<Box<Vec<u8>>>,
    pub(crate) begun: Begun,
    /// The last event lent a store, which is done with by the next.
    lent: Option<Lent>,
}

/// What has become of the open message so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nothing of it was handed over.
    Nothing,
    /// A part of it was handed over as a chunk.
    Chunked,
    /// The rest of it is skipped.
    GivenUp,
}

#[derive(Clone, Copy, Debug)]
enum Lent {
    Assembly,
    Control,
}

impl ReceiveState {
    pub(crate) const fn new() -> Self {
        Self {
            delivery: Delivery::Messages,
            place: Place::NEXT_FRAME,
            assembly: Assembly::new(),
            inflate: None,
            claimed: ReservedBits::NONE,
            extended: ReservedBits::NONE,
            control: None,
            begun: Begun::Nothing,
            lent: None,
        }
    }

    /// Gives up what nothing can be received into any more.
    pub(crate) fn release(&mut self) {
        self.place = Place::NEXT_FRAME;
        self.assembly = Assembly::new();
        self.inflate = None;
        self.control = None;
        self.lent = None;
    }

    /// Gives the memory of a store back that holds nothing.
    pub(crate) fn rest(&mut self) {
        if !self.assembly.has_stored() {
            self.assembly.drop_store();
        }
    }

    /// Chooses how messages are handed over from here on.
    pub(crate) fn deliver(&mut self, delivery: Delivery) {
        self.delivery = delivery;
        // Of a message that was begun in chunks, the rest is no message.
        if delivery == Delivery::Messages && self.begun == Begun::Chunked {
            self.begun = Begun::GivenUp;
        }
    }

    /// Whether the next byte begins a header.
    #[inline]
    pub(crate) fn is_at_header(&self) -> bool {
        matches!(&self.place, Place::Header(start) if start.is_empty())
    }

    /// Forgets the store that the last event lent.
    #[inline]
    pub(crate) fn settle(&mut self) {
        match self.lent.take() {
            Some(Lent::Assembly) => self.assembly.clear_store(),
            Some(Lent::Control) => self.control = None,
            None => {}
        }
    }
}

/// The receiving half of a [turn](crate::Connection::turn): hands out events one by one.
pub struct Reader<'t> {
    pub(crate) state: &'t mut ReceiveState,
    pub(crate) config: &'t Config,
    pub(crate) input: Input<'t>,
    /// The work of extensions in this turn, in bytes.
    pub(crate) work: usize,
    /// Where stores come from.
    pub(crate) stores: TakeStore,
}

/// Gives an empty vector for about so many bytes, with what memory it can spare: some, or none at all.
pub type TakeStore = fn(usize) -> Vec<u8>;

/// Where the reader stopped; borrows at most the input, so that the state can be lent afterwards.
pub(crate) enum Stop<'t> {
    Message(Message<'t>),
    Assembled,
    Chunk(Message<'t>, End),
    AssembledChunk(End),
    Control(Control, Option<&'t [u8]>),
}

pub(crate) enum Control {
    Ping,
    Pong(Option<Answer>),
    Close,
}

impl Reader<'_> {
    /// Has the stores of long messages taken from what the embedder has kept of earlier ones: fresh memory costs more
    /// than the copy into it.
    pub fn with_stores(mut self, take: TakeStore) -> Self {
        self.stores = take;
        self
    }

    /// Gives the next event, or `None` once all input is consumed.
    ///
    /// `None` comes earlier where extensions have had the [work](Self::work) of 256 KiB with little input: what is
    /// [left](Self::remaining) stays in the inbox for another turn, so that one connection does not keep others waiting.
    ///
    /// What the peer is owed for it, a Pong, the echo of a Close or the Close frame of a failure, is appended
    /// through `tx`, which belongs to the same turn.
    ///
    /// # Errors
    /// [`ProtocolError`] is the rule that the peer broke, the same on each later call. The Close frame that says
    /// so stands in the output, and all further input is discarded.
    #[inline]
    pub fn next<R: Role>(&mut self, tx: &mut Writer<'_, R>) -> Result<Option<Event<'_>>, ProtocolError> {
        let at_hand = self
            .state
            .at_hand::<R>(&mut self.input, &tx.state.closing, &self.config.limits);
        let stop = match at_hand {
            Ok(Some(message)) => return Ok(Some(Event::Message(Received::in_input(message)))),
            Ok(None) => self.step(tx),
            Err(error) => Err(error),
        };
        match stop {
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
                        let payload = payload
                            .or(state.control.as_deref().map(Vec::as_slice))
                            .unwrap_or_default();
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

    /// How much extensions had to do in this turn, as the number of bytes that could be inflated meanwhile: what was
    /// inflated, or more where input takes long and gives little; what other extensions took and gave.
    pub fn work(&self) -> usize {
        self.work
    }

    fn discard<R: Role>(&mut self, tx: &mut Writer<'_, R>) {
        self.state.release();
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
            if self.work >= WORK_A_TURN && self.input.len() > 0 {
                return Ok(None);
            }
            let claimed = self.state.claimed;
            let mut frame = match &mut self.state.place {
                Place::Payload(frame) => *frame,
                Place::InvalidText(len) => {
                    // It is what fails the connection, not what comes after.
                    self.input.take(*len);
                    return Err(ProtocolError::InvalidText);
                }
                Place::Header(start) => match start.complete(&mut self.input, R::PEER, claimed)? {
                    Some(header) => self.begin(&header)?,
                    None => return Ok(None),
                },
            };
            let stop = if frame.reserved == ReservedBits::NONE {
                let (key, piece) = frame.take(&mut self.input, usize::MAX);
                if frame.opcode.is_control() {
                    self.control(&frame, key, piece, tx)?
                } else {
                    self.data(&frame, key, piece)?
                }
            } else {
                self.coded(&mut frame, tx)?
            };
            let is_open = frame.remaining > 0;
            self.state.place = if is_open {
                Place::Payload(frame)
            } else {
                Place::NEXT_FRAME
            };
            if stop.is_some() || is_open {
                return Ok(stop);
            }
        }
    }

    /// Judges a header against what came before it.
    #[inline]
    fn begin(&mut self, header: &FrameHeader) -> Result<OpenFrame, ProtocolError> {
        let (kind, reserved) = if header.opcode.is_control() {
            (Kind::Binary, ReservedBits::NONE)
        } else {
            self.state.assembly.begin_frame(header, &self.config.limits)?
        };
        Ok(OpenFrame {
            opcode: header.opcode,
            end: if header.fin { End::Last } else { End::More },
            kind,
            reserved,
            key: header.masking_key,
            remaining: header.payload_len,
        })
    }

    /// Takes a piece of a data frame.
    #[inline]
    fn data(
        &mut self,
        frame: &OpenFrame,
        key: Option<[u8; 4]>,
        piece: &'t mut [u8],
    ) -> Result<Option<Stop<'t>>, ProtocolError> {
        let state = &mut *self.state;
        let end = frame.end();
        let (stays, is_handed_over) = match (state.begun, state.delivery) {
            (Begun::GivenUp, Delivery::Messages | Delivery::Chunks) => (false, false),
            (Begun::Nothing | Begun::Chunked, Delivery::Messages) => (true, end == End::Last),
            (Begun::Nothing | Begun::Chunked, Delivery::Chunks) => (false, true),
        };
        let ahead = if stays { frame.remaining } else { 0 };
        // Behind a frame that is not the last lie others of its message, mostly.
        let behind = match frame.end {
            End::More if ahead == 0 && stays => self.input.len(),
            End::More | End::Last => 0,
        };
        let lent = if is_handed_over && state.assembly.is_empty() {
            Some(state.assembly.check(frame.kind, key, piece)?)
        } else {
            state
                .assembly
                .append(frame.kind, key, piece, ahead, behind, self.stores)?;
            None
        };
        self.hand_over(end, lent)
    }

    /// Decides what becomes of what was received: `lent`, or what is stored.
    #[inline]
    pub(crate) fn hand_over(
        &mut self,
        end: End,
        lent: Option<Message<'t>>,
    ) -> Result<Option<Stop<'t>>, ProtocolError> {
        let state = &mut *self.state;
        if end == End::Last {
            state.assembly.finish()?;
        }
        if state.begun == Begun::GivenUp {
            state.assembly.clear_store();
            if end == End::Last {
                state.begun = Begun::Nothing;
            }
            return Ok(None);
        }
        match state.delivery {
            Delivery::Messages if end == End::More => Ok(None),
            Delivery::Messages => Ok(Some(lent.map_or_else(
                || {
                    state.lent = Some(Lent::Assembly);
                    Stop::Assembled
                },
                Stop::Message,
            ))),
            Delivery::Chunks => {
                let is_empty = lent.map_or(!state.assembly.has_stored(), |data| data.as_bytes().is_empty());
                if is_empty && end == End::More {
                    return Ok(None);
                }
                state.begun = match end {
                    End::More => Begun::Chunked,
                    End::Last => Begun::Nothing,
                };
                Ok(Some(lent.map_or_else(
                    || {
                        state.lent = Some(Lent::Assembly);
                        Stop::AssembledChunk(end)
                    },
                    |data| Stop::Chunk(data, end),
                )))
            }
        }
    }

    /// What was assembled before chunks were asked for is the first of them.
    fn stored_chunk(&mut self) -> Option<Stop<'t>> {
        let state = &mut *self.state;
        if state.delivery == Delivery::Messages
            || !state.assembly.is_open()
            || !state.assembly.has_stored()
            // There is no part of a message that is decoded whole.
            || state.assembly.is_open_with(state.extended)
        {
            return None;
        }
        state.begun = Begun::Chunked;
        state.lent = Some(Lent::Assembly);
        Some(Stop::AssembledChunk(End::More))
    }

    /// Takes a piece of a control frame, and does what the whole frame asks for.
    fn control<R: Role>(
        &mut self,
        frame: &OpenFrame,
        key: Option<[u8; 4]>,
        piece: &'t mut [u8],
        tx: &mut Writer<'_, R>,
    ) -> Result<Option<Stop<'t>>, ProtocolError> {
        unmask(key, piece);
        let whole = frame.remaining == 0;
        if !whole || self.state.control.is_some() {
            if !piece.is_empty() {
                self.state
                    .control
                    .get_or_insert_default()
                    .extend_from_slice(piece);
            }
            if !whole {
                return Ok(None);
            }
            self.state.lent = Some(Lent::Control);
        }
        let lent_piece = self.state.lent.is_none().then_some(&*piece);
        let control = self.state.control.as_deref().map(Vec::as_slice);
        let payload = lent_piece.or(control).unwrap_or_default();
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
