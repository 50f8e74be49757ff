use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};

use futures_core::Stream;
use tidewire_common::proto::{End, Kind, SendError};
use tidewire_common::{Chunk, Error, Message, Session};

use crate::calls::send_piece;
use crate::shared::{Shared, Waiter};
use crate::state::{State, Transport};
use crate::wakers::ToWake;

/// A message that is received in the pieces that arrive.
///
/// Dropping it before its end skips the rest of the message; the connection goes on with the next one.
pub struct Pieces<'w, S> {
    shared: &'w Shared<S>,
    kind: Kind,
    first: Option<Chunk>,
    ended: bool,
}

impl<'w, S: Transport> Pieces<'w, S> {
    pub(crate) fn new(shared: &'w Shared<S>, first: Chunk) -> Self {
        let ended = first.end == End::Last;
        Self {
            shared,
            kind: first.data.kind(),
            first: Some(first),
            ended,
        }
    }

    /// Whether the message is text or binary.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Waits for the next piece, text cut on a character boundary; `None` after the last.
    ///
    /// # Errors
    /// As for [`WebSocket::recv`](crate::WebSocket::recv); a connection that ends in the middle of the message ends
    /// in an error.
    ///
    /// # Cancel safety
    /// Safe: no byte is lost.
    pub async fn next(&mut self) -> Result<Option<Message>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first.data));
        }
        if self.ended {
            return Ok(None);
        }
        let chunk = poll_fn(|cx| self.shared.poll_received(cx, State::poll_chunk)).await?;
        let Some(chunk) = chunk else {
            // The closing handshake came before the message's end, which a peer that keeps the rules does not do.
            let closed = self
                .shared
                .with(|state| state.session.closed().cloned().unwrap_or_default());
            return Err(Error::Closed(closed.into()));
        };
        self.ended = chunk.end == End::Last;
        Ok(Some(chunk.data))
    }
}

impl<S> Drop for Pieces<'_, S> {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.with(|state| {
                state.session.skip_chunks();
                // Reading may go on where it was paused.
                state.progress.to_wake |= ToWake::DRIVER;
            });
        }
    }
}

impl<S> fmt::Debug for Pieces<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces")
            .field("kind", &self.kind)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// A message that is sent in pieces, each as a frame of its own. Other senders wait for its end.
///
/// Dropping it before its end closes the connection with 1011: the peer must not take half a message for a whole.
pub struct PieceWriter<'w, S: Transport> {
    shared: &'w Shared<S>,
    kind: Kind,
    open: bool,
}

impl<'w, S: Transport> PieceWriter<'w, S> {
    pub(crate) async fn open(shared: &'w Shared<S>, kind: Kind) -> Result<Self, Error> {
        Waiter::new(shared)
            .wait(|state| {
                ready!(state.poll_room(Session::has_room))?;
                Poll::Ready(state.session.begin_pieces())
            })
            .await?;
        Ok(Self {
            shared,
            kind,
            open: true,
        })
    }

    /// Sends a piece; waits above the high-water mark.
    ///
    /// # Errors
    /// As for [`WebSocket::send`](crate::WebSocket::send), and
    /// [`SendError::FragmentKind`](crate::SendError::FragmentKind) for a piece of the other type.
    ///
    /// # Cancel safety
    /// All or nothing.
    pub async fn write(&mut self, piece: impl Into<Message>) -> Result<(), Error> {
        let piece = piece.into();
        self.check_kind(&piece)?;
        send_piece(self.shared, piece, End::More, || {}).await
    }

    /// Sends the last piece.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub async fn finish_with(mut self, last: impl Into<Message>) -> Result<(), Error> {
        let last = last.into();
        self.check_kind(&last)?;
        // Once it is queued the message is whole, whether or not anybody waits for it to leave.
        send_piece(self.shared, last, End::Last, || self.open = false).await
    }

    /// Ends the message with an empty frame, where the last piece was not known to be it.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub async fn finish(self) -> Result<(), Error> {
        let last = Message::empty(self.kind);
        self.finish_with(last).await
    }

    fn check_kind(&self, piece: &Message) -> Result<(), SendError> {
        if piece.kind() == self.kind {
            Ok(())
        } else {
            Err(SendError::FragmentKind)
        }
    }
}

impl<S: Transport> Drop for PieceWriter<'_, S> {
    fn drop(&mut self) {
        if self.open {
            self.shared.with(|state| {
                let now = state.now();
                state.session.abandon_pieces(now);
                state.progress.to_wake |= ToWake::DRIVER;
                state.progress.to_wake |= ToWake::OTHERS;
                if !state.is_driven() {
                    state.poll_output();
                }
            });
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
pub(crate) async fn send_iter<S: Transport>(
    shared: &Shared<S>,
    mut pieces: impl Iterator<Item = Message>,
) -> Result<(), Error> {
    let Some(mut piece) = pieces.next() else {
        return Ok(());
    };
    let mut writer = PieceWriter::open(shared, piece.kind()).await?;
    while pieces.size_hint() != (0, Some(0)) {
        writer.write(piece).await?;
        match pieces.next() {
            Some(next) => piece = next,
            None => return writer.finish().await,
        }
    }
    writer.finish_with(piece).await
}

/// Sends a message from a stream, whose last piece is known only by its end.
pub(crate) async fn send_stream<S: Transport, T: Stream>(shared: &Shared<S>, pieces: T) -> Result<(), Error>
where
    T::Item: Into<Message>,
{
    let mut pieces = pin!(pieces);
    let mut open: Option<PieceWriter<'_, S>> = None;
    while let Some(piece) = poll_fn(|cx| pieces.as_mut().poll_next(cx)).await {
        let piece = piece.into();
        let writer = match &mut open {
            Some(writer) => writer,
            None => open.insert(PieceWriter::open(shared, piece.kind()).await?),
        };
        writer.write(piece).await?;
    }
    match open {
        Some(writer) => writer.finish().await,
        None => Ok(()),
    }
}
