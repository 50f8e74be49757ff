use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tidewire_proto::extension::{DecodeError, Encoded, Extension, ReservedBit, Transform};
use tidewire_proto::{CloseCode, Connection, Instant, Kind, Role, deflate};

use crate::config::Config;

/// An extension of the application's that a server or a client knows.
#[derive(Clone)]
pub(crate) struct Known(Arc<dyn Extension>);

impl Known {
    pub(crate) fn new(extension: impl Extension + 'static) -> Self {
        Self(Arc::new(extension))
    }

    pub(crate) fn get(&self) -> &dyn Extension {
        &*self.0
    }

    /// Whether permessage-deflate may be agreed on beside it.
    pub(crate) fn leaves_rsv1(&self) -> bool {
        self.0.bit() != ReservedBit::Rsv1
    }
}

/// Shows the name.
impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.name().fmt(f)
    }
}

/// A bit, and what is done with messages that have it.
pub(crate) type Claim = (ReservedBit, Box<dyn Transform>);

/// What was agreed on for one connection.
#[derive(Debug, Default)]
pub(crate) enum Extensions {
    #[default]
    None,
    Deflate(deflate::Extension),
    /// An extension of the application's, and perhaps permessage-deflate. Boxed, since few have one.
    Other(Box<Other>),
}

pub(crate) struct Other {
    bit: ReservedBit,
    transform: Guarded,
    deflate: Option<deflate::Extension>,
}

impl Extensions {
    pub(crate) fn new(other: Option<Claim>, deflate: Option<deflate::Extension>) -> Self {
        match (other, deflate) {
            (None, None) => Self::None,
            (None, Some(deflate)) => Self::Deflate(deflate),
            (Some((bit, transform)), deflate) => Self::Other(Box::new(Other {
                bit,
                transform: Guarded(Some(transform)),
                deflate,
            })),
        }
    }

    /// The core of a connection in this role.
    pub(crate) fn connect<R: Role>(self, role: R, config: &Config, now: Instant) -> Connection<R> {
        let config = config.connection.clone();
        let (deflate, other) = match self {
            Self::None => (None, None),
            Self::Deflate(deflate) => (Some(deflate), None),
            Self::Other(other) => {
                let Other {
                    bit,
                    transform,
                    deflate,
                } = *other;
                (deflate, Some((bit, transform)))
            }
        };
        let connection = match deflate {
            Some(deflate) => Connection::with_deflate(role, config, &deflate, now),
            None => Connection::new(role, config, now),
        };
        match other {
            None => connection,
            Some((bit, transform)) => connection
                .with_extension(bit, Box::new(transform))
                .expect("permessage-deflate is not agreed on beside an extension with its bit"),
        }
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Other")
            .field("bit", &self.bit)
            .field("deflate", &self.deflate)
            .finish_non_exhaustive()
    }
}

/// A transform that may panic: it is called with the connection locked, which others want to use after it.
struct Guarded(Option<Box<dyn Transform>>);

impl Guarded {
    /// `None` where the transform panics, or has: what it remembers may be half changed.
    fn call<T>(&mut self, call: impl FnOnce(&mut dyn Transform) -> T) -> Option<T> {
        let mut transform = self.0.take()?;
        let result = catch_unwind(AssertUnwindSafe(|| call(&mut *transform))).ok()?;
        self.0 = Some(transform);
        Some(result)
    }
}

impl Transform for Guarded {
    fn encode(&mut self, kind: Kind, payload: &[u8]) -> Encoded {
        self.call(|transform| transform.encode(kind, payload))
            .unwrap_or(Encoded::Refused)
    }

    fn decode(&mut self, kind: Kind, payload: Vec<u8>, limit: usize) -> Result<Vec<u8>, DecodeError> {
        self.call(|transform| transform.decode(kind, payload, limit))
            .unwrap_or_else(|| {
                Err(DecodeError::new("extension panicked").with_code(CloseCode::INTERNAL_ERROR))
            })
    }
}
