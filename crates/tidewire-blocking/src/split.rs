use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidewire_common::proto::{CloseCode, CloseFrame, Closed, Kind, Phase, SendError};
use tidewire_common::{ConnectionId, Error, Handshake, Message, Metrics, Outgoing, Session, TrySendError};

use crate::clock;
use crate::handle::Handle;
use crate::link::Then;
use crate::methods::{addresses, looking, receiving, sending};
use crate::piece_writer::PieceWriter;
use crate::pieces::Pieces;
use crate::receive_error::{RecvTimeoutError, forever};
use crate::socket::Socket;
use crate::transport::Transport;

/// The sending half of a connection, for any number of threads: clone it, or share it.
///
/// Messages of several threads stay whole, and those of one thread in order.
///
/// ```no_run
/// use tidewire_blocking::connect;
///
/// let (sender, receiver) = connect("ws://127.0.0.1:9001/").open()?.split();
/// let ticker = sender.clone();
/// std::thread::spawn(move || ticker.send("tick"));
/// sender.send("hello")?;
/// for message in receiver {
///     println!("{:?}", message?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sender<S: Transport = Socket> {
    pub(crate) handle: Arc<Handle<S>>,
}

impl<S: Transport> Sender<S> {
    pub(crate) fn new(handle: Arc<Handle<S>>) -> Self {
        Self { handle }
    }

    sending!();
    looking!();
}

impl Sender {
    addresses!();
}

impl<S: Transport> Clone for Sender<S> {
    fn clone(&self) -> Self {
        Self::new(self.handle.clone())
    }
}

impl<S: Transport> fmt::Debug for Sender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender")
            .field(&self.handle.lock().session)
            .finish()
    }
}

/// The receiving half of a connection. Once it is dropped, what arrives is dropped, too; pings are answered and the
/// peer's close is seen as before.
///
/// It iterates over the messages: ends quietly after a clean close, and otherwise with one error.
///
/// ```no_run
/// let (sender, receiver) = tidewire_blocking::connect("ws://127.0.0.1:9001/").open()?.split();
/// sender.send("hello")?;
/// for message in receiver {
///     println!("{:?}", message?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiver<S: Transport = Socket> {
    handle: Arc<Handle<S>>,
    /// The iteration has ended.
    ended: bool,
}

impl<S: Transport> Receiver<S> {
    pub(crate) fn new(handle: Arc<Handle<S>>) -> Self {
        Self { handle, ended: false }
    }

    receiving!();
    looking!();
}

impl Receiver {
    addresses!();
}

/// Who cannot receive any more wants nothing to be kept: what stands behind later messages is seen, for the sake of the
/// half that sends.
impl<S: Transport> Drop for Receiver<S> {
    fn drop(&mut self) {
        self.handle.stop_receiving();
    }
}

impl<S: Transport> Iterator for Receiver<S> {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.handle.next_item(&mut self.ended)
    }
}

impl<S: Transport> fmt::Debug for Receiver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver")
            .field(&self.handle.lock().session)
            .finish()
    }
}
