use std::time::{Duration, SystemTime};

use tidewire_proto::{Closed, Instant};
use tracing::{field, info};

use super::policy::Retry;
use super::retry_after::retry_after;
use crate::error::HandshakeError;

/// What a client that connects again and again remembers of its attempts.
#[derive(Debug)]
pub struct Attempts {
    retry: Retry,
    /// How many have failed since the last connection.
    failed: u32,
    /// When the first of them did.
    failing_since: Option<Instant>,
    /// How often it has been waited since the last connection that lasted.
    delays: u32,
    opened: Instant,
}

impl Attempts {
    /// Before the first one.
    pub fn new(retry: Retry) -> Self {
        Self {
            retry,
            failed: 0,
            failing_since: None,
            delays: 0,
            opened: Instant::START,
        }
    }

    /// Changes the rules, between attempts.
    pub fn set_retry(&mut self, retry: Retry) {
        self.retry = retry;
    }

    /// The number of the next one since the last connection, from 1.
    pub fn number(&self) -> u32 {
        self.failed.saturating_add(1)
    }

    /// Notes a failure; gives the delay before the next attempt, `None` where there is to be none.
    pub fn handle_failure(&mut self, now: Instant, error: &HandshakeError) -> Option<Duration> {
        let next_in = self.delay_after(now, error);
        info!(%error, next_in = next_in.map(field::debug), "attempt to connect failed");
        next_in
    }

    fn delay_after(&mut self, now: Instant, error: &HandshakeError) -> Option<Duration> {
        self.failed = self.failed.saturating_add(1);
        let since = *self.failing_since.get_or_insert(now);
        if !self.retry.is_retried(error) || self.retry.attempts.is_some_and(|most| self.failed >= most) {
            return None;
        }
        let response = error.response();
        let asked = response.and_then(|response| retry_after(response, SystemTime::now()));
        let asked = asked.unwrap_or_default().min(self.retry.patience);
        let delay = asked.saturating_add(self.next_delay());
        let limit = self.retry.give_up_after;
        limit
            .is_none_or(|limit| (now - since).saturating_add(delay) <= limit)
            .then_some(delay)
    }

    /// Notes that there is a connection.
    pub fn handle_open(&mut self, now: Instant) {
        self.failed = 0;
        self.failing_since = None;
        self.opened = now;
    }

    /// Notes that the connection is over; gives the delay before the next attempt.
    pub fn handle_end(&mut self, now: Instant) -> Duration {
        if self.retry.backoff.is_reset_by(now - self.opened) {
            self.delays = 0;
        }
        let next_in = self.next_delay();
        info!(?next_in, "connects again");
        next_in
    }

    /// Whether there is to be another connection after one that was closed like this.
    pub fn go_on_after(&self, closed: &Closed) -> bool {
        self.retry.is_reconnected(closed)
    }

    fn next_delay(&mut self) -> Duration {
        let delay = self.retry.delay(self.delays);
        self.delays = self.delays.saturating_add(1);
        delay
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use tidewire_proto::handshake::{Response, ResponseError};

    use super::super::backoff::Backoff;
    use super::*;
    use crate::client::Http2Error;
    use crate::client::proxy::{TunnelError, TunnelFault};
    use crate::tls_failure::{TlsFailure, TlsReason};

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn at(count: u64) -> Instant {
        Instant::START + seconds(count)
    }

    /// Whose delays are all half of their bounds: 5, 10, 20, 30, 30 s.
    fn halves() -> Retry {
        Retry::default().random(|| 1 << 63)
    }

    fn lost() -> HandshakeError {
        io::Error::from(io::ErrorKind::ConnectionRefused).into()
    }

    fn answer(status: u16, retry_after: &str) -> Response {
        let response = Response::new(status).and_then(|response| response.field("Retry-After", retry_after));
        response.expect("a response")
    }

    fn refused(status: u16, retry_after: &str) -> HandshakeError {
        HandshakeError::Response(ResponseError::Refused(Box::new(answer(status, retry_after))))
    }

    fn detoured(fault: TunnelFault) -> HandshakeError {
        TunnelError::new(("a proxy".into(), "a server".into()), fault).into()
    }

    #[test]
    fn delays_grow_with_each_failure() {
        let mut attempts = Attempts::new(halves());
        for (number, delay) in [(1, 5), (2, 10), (3, 20), (4, 30), (5, 30)] {
            assert_eq!(attempts.number(), number);
            assert_eq!(attempts.handle_failure(at(0), &lost()), Some(seconds(delay)));
        }
    }

    #[test]
    fn a_connection_that_lasted_resets_the_delay_and_a_short_one_does_not() {
        let mut attempts = Attempts::new(halves());
        attempts.handle_open(at(0));
        for (opened, ended, delay) in [(0, 9, 5), (20, 20, 10), (40, 49, 20), (70, 80, 5)] {
            attempts.handle_open(at(opened));
            assert_eq!(attempts.handle_end(at(ended)), seconds(delay), "{opened}");
        }
        assert_eq!(attempts.handle_failure(at(90), &lost()), Some(seconds(10)));
    }

    #[test]
    fn attempts_are_counted_from_the_last_connection() {
        let mut attempts = Attempts::new(halves().attempts(2));
        assert!(attempts.handle_failure(at(0), &lost()).is_some());
        attempts.handle_open(at(5));
        assert!(attempts.handle_failure(at(6), &lost()).is_some());
        assert_eq!(attempts.handle_failure(at(7), &lost()), None);
    }

    #[test]
    fn the_last_attempt_begins_within_the_limit() {
        let mut attempts = Attempts::new(halves().give_up_after(seconds(15)));
        assert_eq!(attempts.handle_failure(at(100), &lost()), Some(seconds(5)));
        assert_eq!(attempts.handle_failure(at(105), &lost()), Some(seconds(10)));
        assert_eq!(attempts.handle_failure(at(115), &lost()), None);
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it_up_to_the_most() {
        let mut attempts = Attempts::new(halves().retry_after_max(seconds(300)));
        assert_eq!(
            attempts.handle_failure(at(0), &refused(503, "120")),
            Some(seconds(125))
        );
        assert_eq!(
            attempts.handle_failure(at(0), &refused(503, "86400")),
            Some(seconds(310))
        );
        // Others are not repeated, whatever they say.
        assert_eq!(attempts.handle_failure(at(0), &refused(429, "1")), None);
    }

    #[test]
    fn no_time_that_a_server_asks_for_is_too_long_to_be_counted() {
        let patient = halves().retry_after_max(Duration::MAX);
        for asked in ["18446744073709551615", "99999999999999999999999"] {
            let mut attempts = Attempts::new(patient.clone());
            let delay = attempts.handle_failure(at(0), &refused(503, asked));
            assert!(delay >= Some(seconds(u64::MAX)), "{delay:?}");
            let mut attempts = Attempts::new(patient.clone().give_up_after(seconds(60)));
            assert_eq!(attempts.handle_failure(at(0), &lost()), Some(seconds(5)));
            assert_eq!(attempts.handle_failure(at(5), &refused(503, asked)), None);
        }
    }

    #[test]
    fn a_rule_of_the_applications_takes_the_place_of_ours() {
        let retry = halves().retry_if(|error| error.status() == Some(429));
        let mut attempts = Attempts::new(retry);
        assert_eq!(
            attempts.handle_failure(at(0), &refused(429, "1")),
            Some(seconds(6))
        );
        assert_eq!(attempts.handle_failure(at(0), &lost()), None);
    }

    #[test]
    fn what_is_transient_is_repeated() {
        let table = [
            (lost(), true),
            (HandshakeError::TIMEOUT, true),
            (HandshakeError::UnexpectedEnd, true),
            (
                HandshakeError::Tls(TlsFailure::new(TlsReason::UnknownIssuer, "certificate")),
                false,
            ),
            (HandshakeError::Response(ResponseError::HttpVersion), false),
            (Http2Error::Reset { code: 7 }.into(), true),
            (Http2Error::GoAway { code: 0 }.into(), true),
            (Http2Error::GoAway { code: 1 }.into(), false),
            (Http2Error::NotEnabled.into(), false),
            (detoured(TunnelFault::UnexpectedEnd), true),
            (detoured(TunnelFault::CredentialsRefused), false),
            (detoured(TunnelFault::Socks4 { reply: 91 }), true),
            (detoured(TunnelFault::Socks4 { reply: 93 }), false),
            (detoured(TunnelFault::Socks5 { reply: 5 }), true),
            (detoured(TunnelFault::Socks5 { reply: 2 }), false),
            (detoured(TunnelFault::Refused(answer(502, "0").into())), true),
            (detoured(TunnelFault::Refused(answer(407, "0").into())), false),
            (refused(500, "0"), true),
            (refused(501, "0"), false),
            (refused(502, "0"), true),
            (refused(503, "0"), true),
            (refused(504, "0"), true),
            (refused(401, "0"), false),
            (refused(404, "0"), false),
            (refused(301, "0"), false),
        ];
        for (error, expected) in table {
            assert_eq!(error.is_transient(), expected, "{error}");
        }
    }

    /// When clients that lost their server at 0 have a connection again, if the server is back after `down`; in order.
    fn returns(clients: u32, down: Duration, seed: u64) -> Vec<Instant> {
        let random = Arc::new(Mutex::new(StdRng::seed_from_u64(seed)));
        let source = move || random.lock().expect("no holder panics").random();
        let retry = Retry::default().random(source);
        let mut moments: Vec<_> = (0..clients)
            .map(|_| {
                let mut attempts = Attempts::new(retry.clone());
                // They had been there for a while.
                attempts.handle_open(Instant::START);
                let end = at(3600);
                let mut now = end + attempts.handle_end(end);
                while now < end + down {
                    now = now + attempts.handle_failure(now, &lost()).expect("it is repeated");
                }
                now
            })
            .collect();
        moments.sort_unstable();
        moments
    }

    /// The most that lie in any one second.
    fn crowd(moments: &[Instant]) -> usize {
        let within = |first: usize| moments[first..].partition_point(|at| *at < moments[first] + seconds(1));
        (0..moments.len()).map(within).max().unwrap_or(0)
    }

    #[test]
    fn ten_thousand_clients_of_a_restarted_server_come_back_spread_out() {
        for down in [0, 1, 3, 5, 7, 9, 10, 15, 20, 30, 60, 300] {
            let moments = returns(10_000, seconds(down), down);
            let crowd = crowd(&moments);
            assert!(crowd <= 2000, "{crowd} within a second after {down} s");
            let last = moments.last().copied().expect("clients");
            assert!(last <= at(3600 + down) + seconds(60), "{last:?} after {down} s");
        }
    }

    proptest! {
        #[test]
        fn no_delay_is_longer_than_the_cap(failures in 0u32..100, random: u64) {
            let mut attempts = Attempts::new(Retry::default().random(move || random));
            for _ in 0..failures {
                prop_assert!(attempts.handle_failure(at(0), &lost()) <= Some(seconds(60)));
            }
            let backoff = Backoff::default();
            prop_assert!(backoff.delay(failures, random) <= seconds(60));
        }
    }
}
