use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tidewire_proto::Instant;
use tracing::info;

use super::destination::Destination;
use super::error::DialError;

/// RFC 8305 §5: "One recommended value for a default delay is 250 milliseconds."
const DELAY: Duration = Duration::from_millis(250);
/// How many attempts are under way at most: a name may have any number of addresses, and each takes a descriptor.
const MAX_UNDER_WAY: usize = 8;

/// Which address is connected to next, and when (RFC 8305, "happy eyeballs"): whoever has the sockets does what it says,
/// and takes the first that connects.
#[derive(Debug)]
pub struct Race {
    destination: Destination,
    waiting: VecDeque<SocketAddr>,
    under_way: usize,
    next_start: Instant,
    failed: Vec<(SocketAddr, io::Error)>,
}

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Connect to this address, and ask again at once.
    Start(SocketAddr),
    /// Wait for an attempt to end, or until this moment if there is one.
    Wait(Option<Instant>),
    /// Nothing is left to try.
    Lost(DialError),
}

impl Race {
    /// Takes the addresses of a destination, the favourite first, as a resolver sorts them.
    pub fn new(destination: Destination, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            destination,
            waiting: interleave(addresses),
            under_way: 0,
            next_start: Instant::START,
            failed: Vec::new(),
        }
    }

    /// Says what to do at this time, after a start, an attempt's end, or the moment of a wait.
    pub fn poll_step(&mut self, now: Instant) -> Step {
        if self.under_way < MAX_UNDER_WAY {
            if now >= self.next_start {
                if let Some(address) = self.waiting.pop_front() {
                    self.under_way += 1;
                    self.next_start = now + DELAY;
                    return Step::Start(address);
                }
            } else if !self.waiting.is_empty() {
                return Step::Wait(Some(self.next_start));
            }
        }
        if self.under_way > 0 {
            return Step::Wait(None);
        }
        Step::Lost(DialError::Addresses {
            destination: self.destination.clone(),
            attempts: std::mem::take(&mut self.failed),
        })
    }

    /// Notes that an attempt failed; the next need not wait.
    pub fn handle_failure(&mut self, address: SocketAddr, error: io::Error) {
        info!(%address, %error, "address cannot be connected to");
        self.under_way = self.under_way.saturating_sub(1);
        self.next_start = Instant::START;
        self.failed.push((address, error));
    }
}

/// RFC 8305 §4: "Whichever address family is first in the list should be followed by an address of the other address
/// family". Within a family the order stays.
fn interleave(addresses: impl IntoIterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let Some(first) = addresses.peek() else {
        return VecDeque::new();
    };
    let family = first.is_ipv6();
    let (mut same, mut other): (VecDeque<_>, VecDeque<_>) =
        addresses.partition(|address| address.is_ipv6() == family);
    let mut order = VecDeque::with_capacity(same.len() + other.len());
    while !same.is_empty() || !other.is_empty() {
        order.extend(same.pop_front());
        order.extend(other.pop_front());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    const V6: [&str; 3] = ["[2001:db8::1]:80", "[2001:db8::2]:80", "[2001:db8::3]:80"];
    const V4: [&str; 3] = ["192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"];

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn race(addresses: &[&str]) -> Race {
        let destination = Destination::Host {
            name: "a.test".into(),
            port: 80,
        };
        Race::new(destination, addresses.iter().map(|address| parsed(address)))
    }

    fn parsed(address: &str) -> SocketAddr {
        address.parse().expect("an address")
    }

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    /// What a step is, in words.
    fn step(race: &mut Race, now: Instant) -> String {
        match race.poll_step(now) {
            Step::Start(address) => address.to_string(),
            Step::Wait(Some(until)) => format!("until {:?}", until.elapsed_since_start()),
            Step::Wait(None) => "wait".into(),
            Step::Lost(error) => error.to_string(),
        }
    }

    /// The order of attempts, where none ends and none waits.
    fn order(addresses: &[&str]) -> Vec<String> {
        let mut race = race(addresses);
        (0..addresses.len() as u64)
            .map(|index| step(&mut race, at(1000 * index)))
            .collect()
    }

    #[test]
    fn families_take_turns_and_keep_their_order() {
        for (addresses, expected) in [
            (vec![V6[0], V6[1], V4[0]], vec![V6[0], V4[0], V6[1]]),
            (
                vec![V6[0], V6[1], V6[2], V4[0], V4[1]],
                vec![V6[0], V4[0], V6[1], V4[1], V6[2]],
            ),
            (vec![V4[0], V6[0], V4[1], V4[2]], vec![V4[0], V6[0], V4[1], V4[2]]),
            (V4.to_vec(), V4.to_vec()),
        ] {
            assert_eq!(order(&addresses), expected, "{addresses:?}");
        }
    }

    #[test]
    fn the_next_attempt_begins_a_quarter_of_a_second_after_the_last() {
        let mut race = race(&[V6[0], V4[0], V6[1]]);
        assert_eq!(step(&mut race, at(1000)), V6[0]);
        assert_eq!(step(&mut race, at(1000)), "until 1.25s");
        assert_eq!(step(&mut race, at(1249)), "until 1.25s");
        // Late is late: the delay is between starts, and nothing is caught up with.
        assert_eq!(step(&mut race, at(1300)), V4[0]);
        assert_eq!(step(&mut race, at(1300)), "until 1.55s");
        assert_eq!(step(&mut race, at(1550)), V6[1]);
        assert_eq!(step(&mut race, at(1550)), "wait");
        assert_eq!(step(&mut race, at(60_000)), "wait");
    }

    #[test]
    fn a_failure_begins_the_next_attempt_at_once() {
        let mut race = race(&[V6[0], V4[0], V6[1]]);
        assert_eq!(step(&mut race, at(0)), V6[0]);
        race.handle_failure(parsed(V6[0]), refused());
        assert_eq!(step(&mut race, at(1)), V4[0]);
        assert_eq!(step(&mut race, at(1)), "until 251ms");
        race.handle_failure(parsed(V4[0]), refused());
        assert_eq!(step(&mut race, at(2)), V6[1]);
        assert_eq!(step(&mut race, at(2)), "wait");
    }

    #[test]
    fn the_race_is_lost_when_the_last_attempt_has_failed() {
        let mut race = race(&[V6[0], V4[0]]);
        assert_eq!(step(&mut race, at(0)), V6[0]);
        assert_eq!(step(&mut race, at(250)), V4[0]);
        race.handle_failure(parsed(V4[0]), io::Error::other("refused"));
        assert_eq!(step(&mut race, at(251)), "wait");
        race.handle_failure(parsed(V6[0]), io::Error::other("unreachable"));
        assert_eq!(
            step(&mut race, at(252)),
            "a.test:80 cannot be reached: 192.0.2.1:80: refused; [2001:db8::1]:80: unreachable"
        );
    }

    #[test]
    fn a_race_without_addresses_is_lost() {
        assert_eq!(step(&mut race(&[]), at(0)), "a.test:80 has no address");
    }

    #[test]
    fn only_so_many_attempts_are_under_way() {
        let addresses: Vec<String> = (1..=20).map(|host| format!("192.0.2.{host}:80")).collect();
        let mut race = race(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
        for index in 0..MAX_UNDER_WAY {
            let now = at(250 * index as u64);
            assert_eq!(step(&mut race, now), format!("192.0.2.{}:80", index + 1));
        }
        assert_eq!(step(&mut race, at(60_000)), "wait");
        race.handle_failure(parsed("192.0.2.3:80"), refused());
        assert_eq!(step(&mut race, at(60_000)), "192.0.2.9:80");
        assert_eq!(step(&mut race, at(90_000)), "wait");
    }
}
