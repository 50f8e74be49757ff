use std::fmt;

use tidewire_common::proto::{End, Kind};
use tidewire_common::{Chunk, Error, Message, Session};

use crate::handle::Handle;
use crate::receive_error::forever;
use crate::transport::Transport;

/// A message that is received in the pieces that arrive: iterates over them, text cut on character boundaries.
///
/// A connection that ends in the middle of the message ends in an error. Dropping it before its end skips the rest of
/// the message; the connection goes on with the next one.
///
/// ```no_run
/// # let mut ws = tidewire_blocking::connect("ws://127.0.0.1:9001/").open()?;
/// while let Some(pieces) = ws.recv_pieces()? {
///     let mut len = 0;
///     for piece in pieces {
///         len += piece?.len();
///     }
///     println!("{len} bytes");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pieces<'w, S: Transport> {
    handle: &'w Handle<S>,
    kind: Kind,
    first: Option<Chunk>,
    ended: bool,
}

impl<'w, S: Transport> Pieces<'w, S> {
    pub(crate) fn new(handle: &'w Handle<S>, first: Chunk) -> Self {
        Self {
            handle,
            kind: first.data.kind(),
            first: Some(first),
            ended: false,
        }
    }

    /// Whether the message is text or binary.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn receive(&self) -> Result<Chunk, Error> {
        forever(self.handle.receive(None, Session::next_chunk))?.ok_or_else(|| {
            // The closing handshake came before the message's end.
            let closed = self.handle.lock().session.closed().cloned().unwrap_or_default();
            Error::Closed(closed.into())
        })
    }
}

impl<S: Transport> Iterator for Pieces<'_, S> {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = self.first.take().map_or_else(|| self.receive(), Ok);
        self.ended = !matches!(chunk, Ok(Chunk { end: End::More, .. }));
        Some(chunk.map(|chunk| chunk.data))
    }
}

impl<S: Transport> Drop for Pieces<'_, S> {
    fn drop(&mut self) {
        let skips = match &self.first {
            Some(first) => first.end == End::More,
            None => !self.ended,
        };
        if skips {
            self.handle.lock().session.skip_chunks();
        }
    }
}

impl<S: Transport> fmt::Debug for Pieces<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces")
            .field("kind", &self.kind)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
