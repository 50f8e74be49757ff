use std::io;
use std::time::Duration;

use tracing::{debug, warn};

/// How many who wait to be accepted at a shutdown are taken in to be refused: as many as Linux lets wait by 16 bits, and a
/// bound where clients keep coming.
pub const MOST_WAITING: usize = 1 << 16;

/// How often in a row accepting may fail before it rests.
const IN_A_ROW: u32 = 64;
/// How long it rests.
const REST: Duration = Duration::from_millis(50);

/// What comes of failures to accept a connection.
///
/// Most concern that connection alone, which was aborted while it waited, or which a firewall forbids, and the next one is
/// accepted at once. Others last, for want of file descriptors for example. Which is which differs from system to system,
/// and need not be known: what lasts comes again, and accepting that fails many times in a row rests.
#[derive(Debug, Default)]
pub struct Interruptions {
    in_a_row: u32,
}

impl Interruptions {
    /// Notes a failure; gives how long to rest before the next attempt, if at all.
    pub fn note(&mut self, error: &io::Error) -> Option<Duration> {
        self.in_a_row += 1;
        if self.in_a_row < IN_A_ROW {
            debug!(%error, "a connection was not accepted");
            return None;
        }
        warn!(%error, "accepting rests");
        self.in_a_row = 0;
        Some(REST)
    }

    /// Notes that a connection was accepted.
    pub fn end(&mut self) {
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepting_rests_where_it_fails_many_times_in_a_row() {
        let mut interruptions = Interruptions::default();
        let error = io::Error::from(io::ErrorKind::ConnectionAborted);
        let rests = (1..=256).filter(|_| interruptions.note(&error).is_some());
        assert_eq!(rests.collect::<Vec<u32>>(), [64, 128, 192, 256]);
    }

    #[test]
    fn a_connection_that_is_accepted_ends_the_row() {
        let mut interruptions = Interruptions::default();
        let error = io::Error::from(io::ErrorKind::ConnectionAborted);
        for _ in 0..10 {
            assert!((0..63).all(|_| interruptions.note(&error).is_none()));
            interruptions.end();
        }
    }
}
