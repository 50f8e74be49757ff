use std::fmt;

use tidewire_common::proto::{End, Kind, SendError};
use tidewire_common::{Error, Message};

use crate::handle::Handle;
use crate::transport::Transport;

/// A message that is sent in pieces, each in a frame of its own; other messages wait for its end.
///
/// Dropping it before that closes the connection with 1011, since the peer would take the pieces for the message.
///
/// ```no_run
/// use tidewire_blocking::Kind;
///
/// # let ws = tidewire_blocking::connect("ws://127.0.0.1:9001/").open()?;
/// let mut writer = ws.send_pieces(Kind::Text)?;
/// writer.write("one, ")?;
/// writer.write("two, ")?;
/// writer.finish_with("three")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PieceWriter<'w, S: Transport> {
    handle: &'w Handle<S>,
    kind: Kind,
    ended: bool,
}

impl<'w, S: Transport> PieceWriter<'w, S> {
    pub(crate) fn open(handle: &'w Handle<S>, kind: Kind) -> Result<Self, Error> {
        handle.begin_pieces()?;
        Ok(Self {
            handle,
            kind,
            ended: false,
        })
    }

    /// Sends a piece; waits as [`send`](crate::WebSocket::send) does.
    ///
    /// # Errors
    /// [`SendError::FragmentKind`] for a piece of the other type, which may be followed by others; otherwise how the
    /// connection ended.
    pub fn write(&mut self, piece: impl Into<Message>) -> Result<(), Error> {
        self.send(&piece.into(), End::More)
    }

    /// Sends the last piece.
    ///
    /// # Errors
    /// As for [`write`](Self::write); a piece of the other type ends the connection, as a drop does.
    pub fn finish_with(mut self, last: impl Into<Message>) -> Result<(), Error> {
        self.send(&last.into(), End::Last)?;
        self.ended = true;
        Ok(())
    }

    /// Ends the message with an empty frame, for one whose last piece was not known as such.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn finish(self) -> Result<(), Error> {
        let last = Message::empty(self.kind);
        self.finish_with(last)
    }

    fn send(&self, piece: &Message, end: End) -> Result<(), Error> {
        if piece.kind() != self.kind {
            return Err(SendError::FragmentKind.into());
        }
        self.handle.send_piece(piece, end)
    }
}

impl<S: Transport> Drop for PieceWriter<'_, S> {
    fn drop(&mut self) {
        if !self.ended {
            self.handle.abandon_pieces();
        }
    }
}

impl<S: Transport> fmt::Debug for PieceWriter<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PieceWriter")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Sends a message from an iterator; where its length tells the last piece, no empty frame follows that.
pub(crate) fn send_iter<S: Transport>(
    handle: &Handle<S>,
    mut pieces: impl Iterator<Item = Message>,
) -> Result<(), Error> {
    let Some(mut piece) = pieces.next() else {
        return Ok(());
    };
    let mut writer = PieceWriter::open(handle, piece.kind())?;
    while pieces.size_hint() != (0, Some(0)) {
        writer.write(piece)?;
        match pieces.next() {
            Some(next) => piece = next,
            None => return writer.finish(),
        }
    }
    writer.finish_with(piece)
}
