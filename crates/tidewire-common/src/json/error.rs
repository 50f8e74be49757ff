use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use serde_json::error::Category;

/// Why a value cannot be written as JSON, or a message cannot be read as such; says where, and shows nothing of the payload.
#[derive(Clone)]
pub struct JsonError {
    fault: JsonFault,
    error: Arc<serde_json::Error>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonFault {
    /// The value to be sent cannot be written as JSON.
    Unwritable,
    /// The message is no JSON.
    Syntax,
    /// The message ends inside of JSON, or is empty.
    End,
    /// The message is JSON, but not what the type is read from: a field is missing or of another type.
    Shape,
}

impl JsonError {
    pub(super) fn of_writing(error: serde_json::Error) -> Self {
        Self {
            fault: JsonFault::Unwritable,
            error: Arc::new(error),
        }
    }

    pub(super) fn of_reading(error: serde_json::Error) -> Self {
        let fault = match error.classify() {
            Category::Syntax | Category::Io => JsonFault::Syntax,
            Category::Eof => JsonFault::End,
            Category::Data => JsonFault::Shape,
        };
        Self {
            fault,
            error: Arc::new(error),
        }
    }

    /// What is wrong.
    pub fn fault(&self) -> JsonFault {
        self.fault
    }

    /// The line of the message where that was found, the first being 1; 0 where a value could not be written.
    pub fn line(&self) -> usize {
        self.error.line()
    }

    /// The byte of that line, the first being 1; 0 where it was found before any.
    pub fn column(&self) -> usize {
        self.error.column()
    }

    /// What `serde_json` says of it, with the name of a missing field, for example. Its text may quote the payload, and so
    /// is not for logs where that is a secret.
    pub fn unredacted(&self) -> &serde_json::Error {
        &self.error
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fault {
            JsonFault::Unwritable => return f.write_str("value cannot be written as JSON"),
            JsonFault::Syntax => "message is no JSON",
            JsonFault::End => "message ends inside of JSON",
            JsonFault::Shape => "message is JSON of another shape than wanted",
        })?;
        write!(f, ", line {} column {}", self.line(), self.column())
    }
}

/// Shows no payload.
impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonError")
            .field("fault", &self.fault)
            .field("line", &self.line())
            .field("column", &self.column())
            .finish_non_exhaustive()
    }
}

/// Without a source: its text may quote the payload.
impl StdError for JsonError {}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::message::Message;

    #[test]
    fn an_error_says_where_and_never_what() {
        for (text, fault, said) in [
            (
                "[secret]",
                JsonFault::Syntax,
                "message is no JSON, line 1 column 2",
            ),
            (
                "[\n\"secret",
                JsonFault::End,
                "message ends inside of JSON, line 2 column 7",
            ),
            ("", JsonFault::End, "message ends inside of JSON, line 1 column 0"),
            (
                "[1,\"secret\"]",
                JsonFault::Shape,
                "message is JSON of another shape than wanted, line 1 column 11",
            ),
        ] {
            for message in [Message::from(text), Message::from(text.as_bytes())] {
                let error = message.json::<Vec<u8>>().expect_err("no list of numbers");
                assert_eq!((error.fault(), error.to_string()), (fault, said.into()));
                assert!(!format!("{error:?}").contains("secret"), "{error:?}");
                assert!(error.source().is_none());
            }
        }
    }

    #[test]
    fn a_map_whose_keys_are_lists_cannot_be_written() {
        let error = Message::from_json(&HashMap::from([([1, 2], 3)])).expect_err("no JSON");
        assert_eq!(error.fault(), JsonFault::Unwritable);
        assert_eq!(error.to_string(), "value cannot be written as JSON");
        assert_eq!(error.unredacted().to_string(), "key must be a string");
    }

    #[test]
    fn binary_that_is_no_text_is_no_json() {
        let error = Message::from(&b"\"\xff\""[..])
            .json::<String>()
            .expect_err("no UTF-8");
        assert_eq!(error.fault(), JsonFault::Syntax);
    }

    #[test]
    fn a_value_may_borrow_from_its_message() -> Result<(), JsonError> {
        let message = Message::from(r#"["a","b"]"#);
        assert_eq!(message.json::<Vec<&str>>()?, ["a", "b"]);
        Ok(())
    }
}
