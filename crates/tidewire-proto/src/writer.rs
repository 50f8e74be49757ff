use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use crate::close_code::{CloseFrame, cut_reason};
use crate::closing::Closing;
use crate::coding::Coding;
use crate::config::Config;
use crate::deflate::{Deflater, Sending};
use crate::encoding::Coded;
use crate::error::{ProtocolError, SendError};
use crate::event::{Answer, End, Kind, Message};
use crate::extension::Encoded;
use crate::frame::header::{MAX_CONTROL, MAX_HEADER};
use crate::frame::{FrameHeader, Opcode, ReservedBits, mask};
use crate::keepalive::{Asker, PingId, Pings};
use crate::role::Role;
use crate::time::Instant;
use crate::timers::{Timer, Timers};

/// How many automatic Pongs may wait in the output; beyond them, only the latest is kept.
const MAX_PONGS: u8 = 16;

/// What the sending half keeps between two turns.
#[derive(Debug)]
pub(crate) struct SendState<R> {
    pub(crate) role: R,
    pub(crate) closing: Closing,
    pub(crate) timers: Timers,
    pub(crate) pings: Pings,
    /// Where extensions were agreed on.
    pub(crate) coding: Option<Box<Coding>>,
    /// The fragmented message that is open, and the bits that its first fragment has.
    open: Option<(Kind, ReservedBits)>,
    /// Automatic Pongs in the output, as far as is known.
    pongs: u8,
    /// The latest Pong that did not go into the output.
    #[expect(
        clippy::box_collection,
        reason = "an idle connection has room for the pointer alone"
    )]
    owed: Option<Box<Vec<u8>>>,
}

impl<R> SendState<R> {
    pub(crate) fn new(role: R) -> Self {
        Self {
            role,
            closing: Closing::new(),
            timers: Timers::new(),
            pings: Pings::new(),
            coding: None,
            open: None,
            pongs: 0,
            owed: None,
        }
    }

    /// permessage-deflate, where it was agreed on, until our Close frame.
    pub(crate) fn deflate(&mut self) -> Option<&mut Sending> {
        self.coding.as_mut()?.deflate()
    }

    /// The bits of what an extension of the application's has encoded.
    pub(crate) fn encoded_bits(&self) -> ReservedBits {
        self.coding
            .as_ref()
            .map_or(ReservedBits::NONE, |coding| coding.bits())
    }

    /// Has the connection looked at when it may sleep, unless it will be before.
    pub(crate) fn sleep_at(&mut self, at: Instant) {
        if !self.timers.is_armed(Timer::Sleep) {
            self.timers.arm(Timer::Sleep, at);
        }
    }

    /// Bounds what is left to do: nobody is pinged any more, and the end has its deadline.
    pub(crate) fn await_end(&mut self, now: Instant, config: &Config) {
        self.timers.disarm(Timer::Keepalive);
        self.timers.disarm(Timer::Pong);
        if !self.timers.is_armed(Timer::Close) {
            self.timers.arm(Timer::Close, now + config.close_timeout);
        }
    }
}

/// How much of a message was appended to the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a payload that was left must be written next"]
pub enum Appended {
    /// All of it.
    Message,
    /// The header; the payload is left to the embedder.
    Header,
}

/// The sending half of a [turn](crate::Connection::turn): each call appends whole frames to the output.
pub struct Writer<'t, R> {
    pub(crate) state: &'t mut SendState<R>,
    pub(crate) config: &'t Config,
    pub(crate) out: &'t mut Vec<u8>,
    pub(crate) now: Instant,
}

impl<R: Role> Writer<'_, R> {
    /// Appends a message as one frame, as the extensions have it: compressed where that was agreed on and is worth while.
    ///
    /// # Errors
    /// [`SendError::Closed`] after a Close frame, [`SendError::MessageOpen`] inside a fragmented message,
    /// [`SendError::NotEncoded`] where an [extension](crate::extension) refuses the message; nothing was appended.
    #[inline]
    pub fn message<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        let message = message.into();
        self.check_message()?;
        match self.code(message) {
            Coded::Unchanged => self.plain(message),
            Coded::Appended => {}
            Coded::Refused => return Err(SendError::NotEncoded),
        }
        Ok(())
    }

    /// Appends a message as [`message`](Self::message) does, or only its header where the payload would be copied into
    /// the output unchanged: then it is for the embedder to write it right behind, from where it lies.
    ///
    /// A client's payload is masked, and so never left.
    ///
    /// # Errors
    /// As for [`message`](Self::message).
    #[inline]
    pub fn message_or_header<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<Appended, SendError> {
        let message = message.into();
        self.check_message()?;
        match self.code(message) {
            Coded::Unchanged => {}
            Coded::Appended => return Ok(Appended::Message),
            Coded::Refused => return Err(SendError::NotEncoded),
        }
        Ok(self.plain_or_header(message))
    }

    /// Appends a message that is not compressed, or only its header where its payload would be copied unchanged.
    #[inline]
    pub(crate) fn plain_or_header(&mut self, message: Message<'_>) -> Appended {
        if R::MASKS {
            self.plain(message);
            return Appended::Message;
        }
        let header = FrameHeader {
            opcode: first_opcode(message.kind()),
            fin: true,
            reserved: ReservedBits::NONE,
            masking_key: None,
            payload_len: message.as_bytes().len() as u64,
        };
        header.write(self.out);
        Appended::Header
    }

    /// Appends a message as one frame, uncompressed: for what is known not to shrink, or is never to share a compressor's
    /// window with what an attacker can choose.
    ///
    /// # Errors
    /// As for [`message`](Self::message).
    #[inline]
    pub fn message_uncompressed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        let message = message.into();
        self.check_message()?;
        match self.encode(message) {
            Encoded::Payload(encoded) => {
                let bits = self.state.encoded_bits();
                self.frame(first_opcode(message.kind()), bits, End::Last, &encoded);
            }
            Encoded::Unchanged => self.plain(message),
            Encoded::Refused => return Err(SendError::NotEncoded),
        }
        Ok(())
    }

    /// Appends a part of a message as one frame (§5.4): the first part opens the message, [`End::Last`] ends it.
    ///
    /// Where compression was agreed on, a message that is opened with [`End::More`] is compressed, however short its
    /// parts are, and each part can be inflated as soon as it arrives. The compressor stays with the connection until
    /// the last of them.
    ///
    /// # Errors
    /// [`SendError::Closed`] after a Close frame, [`SendError::FragmentKind`] where the message was opened with
    /// the other type, [`SendError::Fragmented`] where an [extension](crate::extension) takes whole messages alone, and
    /// [`SendError::NotEncoded`] where it refuses the one that this part is by itself; nothing was appended.
    pub fn fragment<'m>(&mut self, part: impl Into<Message<'m>>, end: End) -> Result<(), SendError> {
        self.check_open()?;
        let part = part.into();
        let (opcode, reserved) = match self.state.open {
            None if end == End::Last => return self.message(part),
            None => (first_opcode(part.kind()), self.fragmented()?),
            Some((kind, reserved)) if kind == part.kind() => (Opcode::Continuation, reserved),
            Some(_) => return Err(SendError::FragmentKind),
        };
        match self.state.deflate() {
            Some(deflate) if reserved == ReservedBits::RSV1 => {
                let deflater = deflate.fragment(part.as_bytes());
                self.compressed(opcode, reserved, end, deflater, part.as_bytes());
            }
            _ => self.frame(opcode, ReservedBits::NONE, end, part.as_bytes()),
        }
        self.state.open = match end {
            End::More => Some((part.kind(), reserved)),
            End::Last => None,
        };
        Ok(())
    }

    /// Appends a Ping whose payload no other ping of this connection has.
    ///
    /// # Errors
    /// [`SendError::Closed`] after a Close frame, [`SendError::TooManyPings`] where
    /// [`MAX_PINGS`](crate::MAX_PINGS) wait for their answers.
    pub fn ping(&mut self) -> Result<PingId, SendError> {
        let payload = self.state.pings.own_payload();
        self.ping_with(&payload)
    }

    /// Appends a Ping with a payload of at most 125 bytes.
    ///
    /// # Errors
    /// As for [`ping`](Self::ping), and [`SendError::LongControl`].
    pub fn ping_with(&mut self, payload: &[u8]) -> Result<PingId, SendError> {
        self.check_control(payload)?;
        self.noted_ping(Asker::Application, payload)
    }

    /// Appends a Pong that nobody asked for, a heartbeat in one direction (§5.5.3).
    ///
    /// # Errors
    /// [`SendError::Closed`] after a Close frame, [`SendError::LongControl`] for more than 125 bytes.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_control(payload)?;
        self.frame(Opcode::Pong, ReservedBits::NONE, End::Last, payload);
        Ok(())
    }

    /// Appends a Close frame and starts the closing handshake; a second one is never sent.
    ///
    /// # Errors
    /// [`SendError::Closed`] where the handshake has begun, [`SendError::CloseCode`] and
    /// [`SendError::LongReason`] for a frame that may not be sent.
    pub fn close<'m>(&mut self, frame: impl Into<Option<CloseFrame<'m>>>) -> Result<(), SendError> {
        let frame = frame.into();
        self.check_open()?;
        if let Some(frame) = frame {
            frame.check()?;
        }
        self.state.await_end(self.now, self.config);
        self.close_frame(frame);
        Ok(())
    }

    /// Takes the masking key that the next frame would have, for a frame that is made otherwise; `None` on a server, which
    /// masks nothing (§5.1).
    #[inline]
    pub fn masking_key(&mut self) -> Option<[u8; 4]> {
        R::MASKS.then(|| self.state.role.next_key())
    }

    /// Answers a Ping (§5.5.3: an endpoint may "elect to send a Pong frame for only the most recently processed
    /// Ping frame").
    pub(crate) fn automatic_pong(&mut self, payload: &[u8]) {
        if !self.state.closing.may_send() {
            return;
        }
        if self.state.pongs < MAX_PONGS {
            self.state.pongs += 1;
            self.frame(Opcode::Pong, ReservedBits::NONE, End::Last, payload);
        } else {
            self.state.owed = Some(Box::new(payload.into()));
        }
    }

    /// Matches a Pong with its ping.
    pub(crate) fn received_pong(&mut self, payload: &[u8]) -> Option<Answer> {
        self.state.pings.answer(self.now, payload)
    }

    /// Takes the peer's Close frame, and echoes its code where it came first (§5.5.1).
    pub(crate) fn received_close(&mut self, frame: Option<CloseFrame<'_>>) {
        let first = self.state.closing.may_send();
        self.state.await_end(self.now, self.config);
        self.state.closing.note_received(frame);
        if first {
            self.close_frame(frame.map(|frame| CloseFrame { reason: "", ..frame }));
        }
    }

    /// Fails the connection (§7.1.7): "the endpoint SHOULD send a Close frame with an appropriate status code".
    #[cold]
    pub(crate) fn fail(&mut self, error: ProtocolError) {
        let first = self.state.closing.may_send();
        self.state.await_end(self.now, self.config);
        self.state.closing.note_failed(error);
        if first {
            let reason = error.to_string();
            self.close_frame(Some(CloseFrame {
                code: error.close_code(),
                reason: cut_reason(&reason),
            }));
        }
    }

    /// Appends the keepalive ping.
    pub(crate) fn keepalive_ping(&mut self) {
        let payload = self.state.pings.own_payload();
        // Only the application's pings are counted, so this one is never one too many.
        let _ = self.noted_ping(Asker::Keepalive, &payload);
    }

    /// Notes that no output waits any more: what was in it has left.
    pub(crate) fn flushed(&mut self) {
        self.state.timers.disarm(Timer::Write);
        self.state.pongs = 0;
        if let Some(payload) = self.state.owed.take() {
            self.automatic_pong(&payload);
        }
    }

    fn noted_ping(&mut self, asker: Asker, payload: &[u8]) -> Result<PingId, SendError> {
        let id = self.state.pings.note(self.now, asker, payload)?;
        self.frame(Opcode::Ping, ReservedBits::NONE, End::Last, payload);
        Ok(id)
    }

    fn close_frame(&mut self, frame: Option<CloseFrame<'_>>) {
        self.state.coding = self.state.coding.take().and_then(Coding::after_close);
        self.state.closing.note_sent(frame);
        match frame {
            Some(CloseFrame { code, reason }) => {
                let mut payload = Vec::with_capacity(2 + reason.len());
                payload.extend_from_slice(&code.as_u16().to_be_bytes());
                payload.extend_from_slice(reason.as_bytes());
                self.frame(Opcode::Close, ReservedBits::NONE, End::Last, &payload);
            }
            None => self.frame(Opcode::Close, ReservedBits::NONE, End::Last, b""),
        }
    }

    /// Appends a message as it is.
    #[inline]
    pub(crate) fn plain(&mut self, message: Message<'_>) {
        let opcode = first_opcode(message.kind());
        self.frame(opcode, ReservedBits::NONE, End::Last, message.as_bytes());
    }

    /// Appends what was compressed of `text`, and gives the compressor back.
    pub(crate) fn compressed(
        &mut self,
        opcode: Opcode,
        reserved: ReservedBits,
        end: End,
        deflater: Deflater,
        text: &[u8],
    ) {
        let payload = match end {
            End::More => deflater.part(),
            End::Last => deflater.last_part(),
        };
        // RFC 7692 §6.1: set "only on the first fragment".
        let reserved = match opcode {
            Opcode::Continuation => ReservedBits::NONE,
            _ => reserved,
        };
        self.frame(opcode, reserved, end, payload);
        if let Some(deflate) = self.state.deflate() {
            deflate.settle(self.now, deflater, text, end);
            if let Some(at) = deflate.sleeps_at() {
                self.state.sleep_at(at);
            }
        }
    }

    #[inline]
    pub(crate) fn frame(&mut self, opcode: Opcode, reserved: ReservedBits, end: End, payload: &[u8]) {
        let masking_key = self.masking_key();
        let header = FrameHeader {
            opcode,
            fin: end == End::Last,
            reserved,
            masking_key,
            payload_len: payload.len() as u64,
        };
        self.out.reserve(MAX_HEADER + payload.len());
        header.write(self.out);
        match masking_key {
            Some(key) => mask::append(key, payload, self.out),
            None => self.out.extend_from_slice(payload),
        }
    }

    /// The bits of a message that is sent in fragments.
    fn fragmented(&self) -> Result<ReservedBits, SendError> {
        match &self.state.coding {
            Some(coding) => coding.fragmented(),
            None => Ok(ReservedBits::NONE),
        }
    }

    #[inline]
    pub(crate) fn check_message(&self) -> Result<(), SendError> {
        self.check_open()?;
        match self.state.open {
            Some(_) => Err(SendError::MessageOpen),
            None => Ok(()),
        }
    }

    #[inline]
    fn check_open(&self) -> Result<(), SendError> {
        if self.state.closing.may_send() {
            Ok(())
        } else {
            Err(SendError::Closed)
        }
    }

    fn check_control(&self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        if payload.len() > MAX_CONTROL {
            return Err(SendError::LongControl { len: payload.len() });
        }
        Ok(())
    }
}

pub(crate) const fn first_opcode(kind: Kind) -> Opcode {
    match kind {
        Kind::Text => Opcode::Text,
        Kind::Binary => Opcode::Binary,
    }
}

impl<R> fmt::Debug for Writer<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("out", &self.out.len())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
