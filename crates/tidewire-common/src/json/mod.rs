//! Messages that are JSON, of types that serde knows.

mod error;

pub use error::{JsonError, JsonFault};

use serde::{Deserialize, Serialize};

use crate::message::Message;

impl Message {
    /// A text message with this value as JSON, on one line.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// # use tidewire_common::Message;
    ///
    /// #[derive(Debug, Deserialize, PartialEq, Serialize)]
    /// struct Move {
    ///     from: (u8, u8),
    ///     to: (u8, u8),
    /// }
    ///
    /// let first = Move { from: (4, 1), to: (4, 3) };
    /// let message = Message::from_json(&first)?;
    /// assert_eq!(message.as_text(), Some(r#"{"from":[4,1],"to":[4,3]}"#));
    /// assert_eq!(message.json::<Move>()?, first);
    /// # Ok::<(), tidewire_common::JsonError>(())
    /// ```
    ///
    /// # Errors
    /// [`JsonFault::Unwritable`] for a map whose keys are no texts, or a type that refuses.
    pub fn from_json(value: &(impl Serialize + ?Sized)) -> Result<Self, JsonError> {
        let text = serde_json::to_string(value);
        text.map(Self::Text).map_err(JsonError::of_writing)
    }

    /// Reads the payload, text or binary, as JSON. What borrows may borrow from the message.
    ///
    /// # Errors
    /// [`JsonError`] says where it is no JSON, or another value than wanted; never with what.
    pub fn json<'m, T: Deserialize<'m>>(&'m self) -> Result<T, JsonError> {
        let value = match self {
            Self::Text(text) => serde_json::from_str(text),
            Self::Binary(bytes) => serde_json::from_slice(bytes),
        };
        value.map_err(JsonError::of_reading)
    }
}
