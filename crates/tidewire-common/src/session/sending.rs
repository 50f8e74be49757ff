use std::time::Duration;

use tidewire_proto as proto;
use tidewire_proto::{Appended, CloseFrame, End, Instant, PingId, SendError};

use super::{Core, Session};
use crate::error::Error;
use crate::log;
use crate::message::Message;
use crate::outgoing::Outgoing;

impl Session {
    /// Whether a message may be queued now: below the high-water mark, and with no message in pieces open.
    #[inline]
    pub fn has_room(&self) -> bool {
        !self.sending_pieces && self.is_below_high_water()
    }

    /// Whether the output is below the high-water mark.
    #[inline]
    pub fn is_below_high_water(&self) -> bool {
        self.unsent_len() < self.settings.write_queue
    }

    /// Queues a message; whether there is [room](Self::has_room) is for the caller to ask. A long payload is taken out of
    /// it, to be written from where it lies.
    ///
    /// # Errors
    /// The end of the connection, or [`SendError::Closed`] once closing began.
    #[inline]
    pub fn send(&mut self, now: Instant, message: &mut Outgoing) -> Result<(), Error> {
        let appended = self.append(now, message)?;
        self.note_appended(appended, || message.take());
        Ok(())
    }

    /// Appends a message to the output, or its header where the payload is to be written from where it lies.
    #[inline]
    pub(super) fn append(&mut self, now: Instant, message: &Outgoing) -> Result<Appended, Error> {
        self.check_end()?;
        let appended = with_writer!(self, now, tx => message.write(&mut tx))?;
        self.note_sent(message.as_message());
        Ok(appended)
    }

    /// Ends what [`append`](Self::append) began: `payload` is asked for where it was left.
    #[inline]
    pub(super) fn note_appended(&mut self, appended: Appended, payload: impl FnOnce() -> Outgoing) {
        if appended == Appended::Header {
            self.output.lend(payload());
        }
        self.note_message_end();
    }

    /// Opens a message in pieces: other messages wait for its end.
    ///
    /// # Errors
    /// [`SendError::Fragmented`] where an extension takes whole messages alone.
    pub fn begin_pieces(&mut self) -> Result<(), Error> {
        if !either!(&self.core, connection => connection.may_fragment()) {
            return Err(SendError::Fragmented.into());
        }
        self.sending_pieces = true;
        Ok(())
    }

    /// Queues a piece of the open message.
    ///
    /// # Errors
    /// As for [`send`](Self::send), and [`SendError::FragmentKind`] for a piece of the other type.
    pub fn send_piece(&mut self, now: Instant, piece: &Message, end: End) -> Result<(), Error> {
        self.check_end()?;
        if end == End::Last {
            self.sending_pieces = false;
        }
        with_writer!(self, now, tx => tx.fragment(piece.as_proto(), end))?;
        self.note_sent(piece.as_proto());
        if end == End::Last {
            self.note_message_end();
            self.send_waiting(now);
        }
        Ok(())
    }

    /// Ends a message in pieces that its sender dropped: the connection is closed with 1011, since the peer would
    /// take the pieces for a whole message.
    pub fn abandon_pieces(&mut self, now: Instant) {
        self.sending_pieces = false;
        // Where closing has begun already, that is the end of it, too.
        let _ = self.close(now, Some(CloseFrame::new(1011, "message abandoned")));
    }

    /// Queues a Ping; its answer is [taken](Self::take_pong) by the name given.
    ///
    /// # Errors
    /// As for [`send`](Self::send), [`SendError::LongControl`] and [`SendError::TooManyPings`].
    pub fn ping(&mut self, now: Instant, payload: Option<&[u8]>) -> Result<PingId, Error> {
        self.check_end()?;
        let id = with_writer!(self, now, tx => match payload {
            Some(payload) => tx.ping_with(payload),
            None => tx.ping(),
        })?;
        self.pings.add(id, now);
        Ok(id)
    }

    /// Whether the answer to a ping waits to be taken.
    pub fn has_pongs(&self) -> bool {
        self.pings.has_answers()
    }

    /// Takes the round trip of a ping, once it was answered.
    pub fn take_pong(&mut self, id: PingId) -> Option<Duration> {
        self.pings.take(id)
    }

    /// Forgets a ping that nobody waits for any more.
    pub fn forget_ping(&mut self, id: PingId) {
        self.pings.forget(id);
    }

    /// Queues a Pong that nobody asked for.
    ///
    /// # Errors
    /// As for [`send`](Self::send), and [`SendError::LongControl`].
    pub fn pong(&mut self, now: Instant, payload: &[u8]) -> Result<(), Error> {
        self.check_end()?;
        Ok(with_writer!(self, now, tx => tx.pong(payload))?)
    }

    /// Queues a Close and starts the closing handshake; does nothing where it has begun.
    ///
    /// # Errors
    /// [`SendError::CloseCode`] and [`SendError::LongReason`] for a frame that may not be sent.
    pub fn close(&mut self, now: Instant, frame: Option<CloseFrame<'_>>) -> Result<(), SendError> {
        match with_writer!(self, now, tx => tx.close(frame)) {
            // Whoever waits for the end of a message in pieces is told that nothing follows.
            Ok(()) | Err(SendError::Closed) => {
                self.sending_pieces = false;
                self.send_waiting(now);
                Ok(())
            }
            refused => refused,
        }
    }

    #[inline]
    fn note_sent(&mut self, data: proto::Message<'_>) {
        self.traffic.payload_sent += data.as_bytes().len() as u64;
        log::sent(self.id, log::kind(data.kind()), data.as_bytes());
    }

    #[inline]
    fn note_message_end(&mut self) {
        self.traffic.messages_sent += 1;
        let end = self.traffic.bytes_sent + self.unsent_len() as u64;
        self.output.note_message(end);
    }

    /// Fails once writing or reading has failed: what was queued before may not have left.
    ///
    /// # Errors
    /// How it failed.
    pub fn check_transport(&self) -> Result<(), Error> {
        match &self.broken {
            Some(error) => Err(Error::Io(error.clone())),
            None => Ok(()),
        }
    }

    /// What is told to whoever still wants something of a connection that has ended: the error it ended with, after a
    /// good end the same as after any Close.
    pub fn end_error(&self) -> Option<Error> {
        self.end()
            .map(|end| end.err().unwrap_or(SendError::Closed.into()))
    }

    /// Fails once nothing can be sent any more. (A failed write ends the connection only when what had arrived is
    /// read.)
    ///
    /// # Errors
    /// As [`check_transport`](Self::check_transport), then as [`end_error`](Self::end_error).
    #[inline]
    pub fn check_end(&self) -> Result<(), Error> {
        if self.broken.is_none() && !self.has_ended() {
            return Ok(());
        }
        self.check_transport()?;
        self.end_error().map_or(Ok(()), Err)
    }
}
