//! What is logged of a connection: its start and its end at level INFO, its frames at DEBUG.

use std::fmt::{self, Write};
use std::io;

use tidewire_proto as proto;
use tidewire_proto::Closed;
use tracing::level_filters::LevelFilter;
use tracing::{debug, info};

use crate::handshake::ConnectionId;

/// How many characters of a payload are shown.
const SHOWN: usize = 75;
/// In how many bytes they stand: a character has four at most.
pub(crate) const EXCERPT: usize = SHOWN * 4;

pub(crate) fn opened(id: ConnectionId) {
    info!(connection = %id, "open");
}

/// Logs how a connection ended: whatever peers sent is escaped.
pub(crate) fn closed(id: ConnectionId, closed: Option<&Closed>, unsent: usize, broken: Option<&io::Error>) {
    let closed = closed.cloned().unwrap_or_default();
    info!(
        connection = %id,
        code = closed.code().as_u16(),
        reason = %closed.reason().escape_debug(),
        clean = closed.is_clean(),
        cause = closed.cause().map(tracing::field::display),
        transport = broken.map(tracing::field::display),
        unsent,
        "closed"
    );
}

#[inline]
pub(crate) fn received(id: ConnectionId, what: &str, payload: &[u8]) {
    if is_wanted() {
        frame(id, "received", what, payload);
    }
}

#[inline]
pub(crate) fn sent(id: ConnectionId, what: &str, payload: &[u8]) {
    if is_wanted() {
        frame(id, "sent", what, payload);
    }
}

/// Whether anybody may want to know of single frames: all that most messages are to pay for it.
#[inline]
fn is_wanted() -> bool {
    LevelFilter::current() >= LevelFilter::DEBUG
}

#[cold]
fn frame(id: ConnectionId, done: &str, what: &str, payload: &[u8]) {
    debug!(connection = %id, len = payload.len(), payload = %Excerpt(payload), "{done} {what}");
}

/// The name of a message's type.
#[inline]
pub(crate) fn kind(kind: proto::Kind) -> &'static str {
    match kind {
        proto::Kind::Text => "text",
        proto::Kind::Binary => "binary",
    }
}

/// The start of a payload on one line: what peers send is escaped and cut.
pub(crate) struct Excerpt<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.0.get(..EXCERPT).unwrap_or(self.0);
        let mut left = SHOWN;
        for chunk in start.utf8_chunks() {
            for character in chunk.valid().chars().flat_map(char::escape_debug).take(left) {
                f.write_char(character)?;
                left -= 1;
            }
            for byte in chunk.invalid() {
                if left < 4 {
                    break;
                }
                write!(f, "\\x{byte:02x}")?;
                left -= 4;
            }
        }
        if left < 4 && self.0.len() > SHOWN {
            f.write_str("…")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_shown_on_one_line_and_cut() {
        for (payload, shown) in [
            (&b"hello"[..], "hello".to_owned()),
            (b"a\nb\x1b[2J", "a\\nb\\u{1b}[2J".to_owned()),
            (b"\xff\x00", "\\xff\\0".to_owned()),
            (&[b'x'; 100], "x".repeat(75) + "…"),
        ] {
            assert_eq!(Excerpt(payload).to_string(), shown, "{payload:?}");
        }
    }
}
