use std::fmt;
use std::mem;
use std::sync::Arc;

use tidewire_proto as proto;
use tidewire_proto::{Appended, Kind, SendError, deflate};

use crate::message::Message;
use crate::stores;

/// A payload of this length or longer is not copied into the output.
const LENT: usize = 16 * 1024;

/// What can be sent: a message, whatever becomes one, and a message with a wish.
///
/// ```
/// # use tidewire_common::{Message, Outgoing, Prepared};
/// let outgoing = Outgoing::from("hello");
/// let secret = Message::from("password").uncompressed();
/// let news = Outgoing::from(Prepared::new("the same for all"));
/// assert_eq!(news.as_message().as_bytes(), b"the same for all");
/// assert_eq!(outgoing.into_message(), Message::from("hello"));
/// # let _ = secret;
/// ```
#[derive(Clone)]
pub struct Outgoing(Content);

#[derive(Clone)]
enum Content {
    Message(Message),
    Uncompressed(Message),
    Prepared(Prepared),
}

impl Outgoing {
    /// The message, lent.
    pub fn as_message(&self) -> proto::Message<'_> {
        match &self.0 {
            Content::Message(message) | Content::Uncompressed(message) => message.as_proto(),
            Content::Prepared(prepared) => prepared.0.as_message(),
        }
    }

    /// The message, taken out; a prepared one is copied.
    pub fn into_message(self) -> Message {
        match self.0 {
            Content::Message(message) | Content::Uncompressed(message) => message,
            Content::Prepared(prepared) => prepared.0.as_message().into(),
        }
    }

    /// Takes the message, and leaves an empty one.
    pub(crate) fn take(&mut self) -> Self {
        mem::replace(self, Self::from(Message::empty(Kind::Binary)))
    }

    /// Has the message compressed once for all connections that it is sent on.
    pub(crate) fn prepare(self) -> Self {
        match self.0 {
            Content::Message(message) => Prepared::new(message).into(),
            content @ (Content::Uncompressed(_) | Content::Prepared(_)) => Self(content),
        }
    }

    /// Keeps the memory of a message that was sent for those that are received.
    pub(crate) fn keep_memory(self) {
        match self.0 {
            Content::Message(Message::Text(text)) | Content::Uncompressed(Message::Text(text)) => {
                stores::keep(text.into_bytes());
            }
            // Bytes do it by themselves when the last share in them is dropped.
            Content::Message(Message::Binary(_))
            | Content::Uncompressed(Message::Binary(_))
            | Content::Prepared(_) => {}
        }
    }

    /// Appends the message to the output of a connection; a long one may be left to be written from where it lies.
    #[inline]
    pub(crate) fn write<R: proto::Role>(&self, tx: &mut proto::Writer<'_, R>) -> Result<Appended, SendError> {
        match &self.0 {
            Content::Message(message) if message.len() >= LENT => {
                return tx.message_or_header(message.as_proto());
            }
            Content::Message(message) => tx.message(message.as_proto())?,
            Content::Uncompressed(message) => tx.message_uncompressed(message.as_proto())?,
            Content::Prepared(prepared) if prepared.0.as_message().as_bytes().len() >= LENT => {
                return tx.prepared_or_header(&prepared.0);
            }
            Content::Prepared(prepared) => tx.prepared(&prepared.0)?,
        }
        Ok(Appended::Message)
    }
}

/// Shows type and length, never the payload.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_message().fmt(f)
    }
}

impl<M: Into<Message>> From<M> for Outgoing {
    fn from(message: M) -> Self {
        Self(Content::Message(message.into()))
    }
}

impl From<Prepared> for Outgoing {
    fn from(prepared: Prepared) -> Self {
        Self(Content::Prepared(prepared))
    }
}

impl From<&Prepared> for Outgoing {
    fn from(prepared: &Prepared) -> Self {
        prepared.clone().into()
    }
}

impl Message {
    /// Has the message sent as it is, also where compression was agreed on: for what is known not to shrink, and for
    /// secrets that stand beside what an attacker can choose, since the length of a compressed message tells of both.
    pub fn uncompressed(self) -> Outgoing {
        Outgoing(Content::Uncompressed(self))
    }
}

/// A message that is sent on many connections and compressed once. Cheap to clone.
///
/// Connections whose messages refer to earlier ones (context takeover) compress it each for itself; the others share
/// what the first of them has made of it, once for each size of window.
#[derive(Clone, Debug)]
pub struct Prepared(Arc<deflate::Prepared>);

impl Prepared {
    /// A message to be sent often.
    pub fn new(message: impl Into<Message>) -> Self {
        let message = match message.into() {
            Message::Text(text) => proto::OwnedMessage::Text(text),
            Message::Binary(bytes) => proto::OwnedMessage::Binary(bytes.into()),
        };
        Self(Arc::new(message.into()))
    }
}
