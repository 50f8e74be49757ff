use alloc::string::String;
use core::error::Error;
use core::fmt;

use super::context::WindowBits;
use super::parameters::{CLIENT_MAX_WINDOW_BITS, NAME};

/// A rule of RFC 7692 §7.1 that an offer or an answer of permessage-deflate breaks.
///
/// What the peer sent is escaped and cut, so that every text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterError {
    /// The extension has another name.
    OtherExtension {
        /// The extension, escaped and cut.
        extension: String,
    },
    /// A semicolon is not followed by the name of a parameter.
    MissingName,
    /// The extension has no such parameter.
    Unknown {
        /// The parameter's name, escaped and cut.
        parameter: String,
    },
    /// A parameter is there more than once.
    Repeated {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// A parameter lacks the value that it must have.
    MissingValue {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// A parameter has a value that it must not have.
    UnexpectedValue {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// A parameter's value is not a number of 8 to 15 in its shortest form.
    InvalidValue {
        /// The parameter's name.
        parameter: &'static str,
        /// The value, escaped and cut.
        value: String,
    },
    /// An answer lacks a parameter that the offer demands.
    NotAccepted {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// An answer has `client_max_window_bits`, which only an offer can allow.
    NotOffered,
    /// An answer has a larger window than the offer.
    TooLarge {
        /// The parameter's name.
        parameter: &'static str,
        /// The window of the offer.
        offered: WindowBits,
        /// The window of the answer.
        answered: WindowBits,
    },
    /// A response accepts the extension more than once.
    AcceptedAgain {
        /// How often it is there.
        count: usize,
    },
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherExtension { extension } => write!(f, "extension {extension} is not {NAME}"),
            Self::MissingName => write!(f, "parameter of {NAME} has no name"),
            Self::Unknown { parameter } => write!(f, "{NAME} has no parameter {parameter}"),
            Self::Repeated { parameter } => {
                write!(f, "parameter {parameter} is repeated: at most one is allowed")
            }
            Self::MissingValue { parameter } => {
                write!(f, "parameter {parameter} has no value: 8 to 15 is required")
            }
            Self::UnexpectedValue { parameter } => {
                write!(f, "parameter {parameter} has a value: none is allowed")
            }
            Self::InvalidValue { parameter, value } => write!(
                f,
                "parameter {parameter} is {value}: 8 to 15 without leading zeroes is required"
            ),
            Self::NotAccepted { parameter } => {
                write!(f, "parameter {parameter} was offered but not accepted")
            }
            Self::NotOffered => {
                write!(
                    f,
                    "parameter {CLIENT_MAX_WINDOW_BITS} was accepted but not offered"
                )
            }
            Self::TooLarge {
                parameter,
                offered,
                answered,
            } => write!(
                f,
                "parameter {parameter} of {answered} exceeds the {offered} that was offered"
            ),
            Self::AcceptedAgain { count } => {
                write!(f, "{NAME} is accepted {count} times: at most one is allowed")
            }
        }
    }
}

impl Error for ParameterError {}
