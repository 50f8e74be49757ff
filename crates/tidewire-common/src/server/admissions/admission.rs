use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::debug;

use super::super::accepting::Declined;
use super::caps::Caps;
use super::counts::{Counts, Excess, Source, Stage};

/// How many are being refused at a time at most: each is a socket that lives until its refusal is read.
const MAX_REFUSALS: usize = 64;

/// Counts those who connect to a server, and declines those who are too many. Cheap to clone.
///
/// Without caps it neither allocates nor locks.
#[derive(Clone)]
pub struct Admissions(Option<Arc<Shared>>);

struct Shared {
    caps: Caps,
    counts: Mutex<Counts>,
}

/// A place among those who connect, or among those who are [declined](Self::declined), given back when it is dropped: kept
/// for as long as the connection lives, or until its refusal has been read. A pointer, and that to nothing without caps.
pub struct Admission(Option<Box<Place>>);

struct Place {
    shared: Arc<Shared>,
    stage: Stage,
    source: Option<Source>,
}

/// Without caps.
impl Default for Admissions {
    fn default() -> Self {
        Self::new(Caps::default())
    }
}

impl Admissions {
    /// Counts from nobody on.
    pub fn new(caps: Caps) -> Self {
        let counts = Mutex::default();
        Self(caps.any().then(|| Arc::new(Shared { caps, counts })))
    }

    /// Judges somebody who connects. `address` is asked where from, if that is capped; `None` is where there is no IP
    /// address, or where it is not known yet, since a PROXY header is expected; then
    /// [`comes_from`](Admission::comes_from) follows. Gives nothing for one to be dropped without a word, since many are
    /// being declined already.
    pub fn arrive(&self, address: impl FnOnce() -> Option<IpAddr>) -> Option<Admission> {
        let Some(shared) = &self.0 else {
            return Some(Admission(None));
        };
        let source = shared.source(address);
        let place = |stage, source| {
            let shared = shared.clone();
            Admission(Some(Box::new(Place {
                shared,
                stage,
                source,
            })))
        };
        let mut counts = shared.counts();
        match counts.judge(shared.caps, source) {
            Ok(()) => {
                counts.enter(Stage::Handshake);
                counts.add(source);
                drop(counts);
                Some(place(Stage::Handshake, source))
            }
            Err(excess) if counts.refusals < MAX_REFUSALS => {
                counts.enter(Stage::Refusal(excess));
                drop(counts);
                Some(place(Stage::Refusal(excess), None))
            }
            Err(excess) => {
                drop(counts);
                debug!(reason = excess.declined().1, "connection dropped");
                None
            }
        }
    }
}

impl Admission {
    /// Why it is to be declined, before its request or behind it. Where it would take a handshake of TLS to tell, dropping is
    /// cheaper.
    pub fn declined(&self) -> Option<Declined> {
        match self.0.as_ref()?.stage {
            Stage::Refusal(excess) => Some(excess.declined()),
            Stage::Handshake | Stage::Open => None,
        }
    }

    /// Counts it as one from there, once a PROXY header has told whose it is (or, if it named nobody, as the proxy's own).
    ///
    /// # Errors
    /// The reason to decline it, where there are too many; it goes on to count as a handshake until it is dropped.
    pub fn comes_from(&mut self, address: IpAddr) -> Result<(), Declined> {
        let Some(place) = &mut self.0 else { return Ok(()) };
        let source = place.shared.source(|| Some(address));
        if matches!(place.stage, Stage::Refusal(_)) || source == place.source {
            return Ok(());
        }
        let mut counts = place.shared.counts();
        let judged = counts.judge_source(place.shared.caps, source);
        judged.map_err(Excess::declined)?;
        counts.add(source);
        counts.remove(place.source);
        drop(counts);
        place.source = source;
        Ok(())
    }

    /// Notes that the opening handshake is done.
    pub fn open(&mut self) {
        let Some(place) = &mut self.0 else { return };
        if place.stage == Stage::Handshake {
            let mut counts = place.shared.counts();
            counts.leave(Stage::Handshake);
            counts.enter(Stage::Open);
            drop(counts);
            place.stage = Stage::Open;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.shared.counts();
        counts.leave(self.stage);
        counts.remove(self.source);
    }
}

impl Shared {
    /// Where it counts, if that is capped.
    fn source(&self, address: impl FnOnce() -> Option<IpAddr>) -> Option<Source> {
        self.caps.per_address.and_then(|_| address()).map(Source::of)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Admissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(shared) = &self.0 else {
            return f.write_str("Admissions(uncapped)");
        };
        let counts = shared.counts();
        f.debug_struct("Admissions")
            .field("caps", &shared.caps)
            .field("connections", &counts.connections)
            .field("handshakes", &counts.handshakes)
            .field("refusals", &counts.refusals)
            .field("sources", &counts.by_source.len())
            .finish()
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(place) => f.debug_tuple("Admission").field(&place.stage).finish(),
            None => f.write_str("Admission(uncapped)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    fn admitted(admissions: &Admissions, address: impl Into<Option<IpAddr>>) -> Admission {
        let admission = admissions.arrive(|| address.into()).expect("a place");
        assert_eq!(admission.declined(), None);
        admission
    }

    fn declined(admissions: &Admissions, address: impl Into<Option<IpAddr>>) -> Declined {
        let admission = admissions.arrive(|| address.into()).expect("a place");
        admission.declined().expect("a refusal")
    }

    /// Connections, handshakes, refusals and sources.
    fn counts(admissions: &Admissions) -> [usize; 4] {
        let counts = admissions.0.as_ref().expect("caps").counts();
        [
            counts.connections,
            counts.handshakes,
            counts.refusals,
            counts.by_source.len(),
        ]
    }

    #[test]
    fn without_caps_nothing_is_counted_or_allocated() {
        let admissions = Admissions::new(Caps::default());
        assert!(admissions.0.is_none());
        let mut admission = admitted(&admissions, address("192.0.2.1"));
        assert!(admission.0.is_none());
        admission.open();
        assert_eq!(admission.comes_from(address("::1")), Ok(()));
    }

    #[test]
    fn an_admission_is_a_pointer_to_24_bytes_beside_the_server_s() {
        assert_eq!(size_of::<Admission>(), size_of::<usize>());
        assert!(size_of::<Place>() <= 24, "{}", size_of::<Place>());
    }

    #[test]
    fn one_beyond_a_cap_is_declined_until_another_goes() {
        let table = [
            (Caps::default().connections(2), Excess::Connections.declined()),
            (Caps::default().per_address(2), Excess::FromAddress.declined()),
            (Caps::default().handshakes(2), Excess::Handshakes.declined()),
        ];
        for (caps, reason) in table {
            let admissions = Admissions::new(caps);
            let from = address("192.0.2.1");
            let one = admitted(&admissions, from);
            let _two = admitted(&admissions, from);
            assert_eq!(declined(&admissions, from), reason);
            drop(one);
            let _three = admitted(&admissions, from);
            assert_eq!(declined(&admissions, from), reason);
        }
        assert_eq!(
            declined(&Admissions::new(Caps::default().connections(0)), None),
            Excess::Connections.declined()
        );
    }

    #[test]
    fn an_open_connection_makes_room_for_a_handshake() {
        let admissions = Admissions::new(Caps::default().handshakes(1).connections(2));
        let mut one = admitted(&admissions, None);
        assert_eq!(declined(&admissions, None), Excess::Handshakes.declined());
        one.open();
        one.open();
        assert_eq!(counts(&admissions), [1, 0, 0, 0]);
        let two = admitted(&admissions, None);
        assert_eq!(declined(&admissions, None), Excess::Connections.declined());
        drop((one, two));
        assert_eq!(counts(&admissions), [0; 4]);
    }

    #[test]
    fn addresses_count_by_ipv4_address_or_ipv6_network_of_64_bits() {
        let admissions = Admissions::new(Caps::default().per_address(1));
        let mut kept = Vec::new();
        for (one, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1"),
        ] {
            kept.push(admitted(&admissions, address(one)));
            assert_eq!(
                declined(&admissions, address(same)),
                Excess::FromAddress.declined(),
                "{same}"
            );
            kept.push(admitted(&admissions, address(other)));
        }
        assert_eq!(counts(&admissions), [4, 4, 0, 4]);
        drop(kept);
        assert_eq!(counts(&admissions), [0; 4]);
    }

    #[test]
    fn a_connection_counts_where_its_proxy_says_that_it_comes_from() {
        let admissions = Admissions::new(Caps::default().per_address(1));
        let (client, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let (mut one, mut two) = (admitted(&admissions, None), admitted(&admissions, None));
        assert_eq!(one.comes_from(client), Ok(()));
        assert_eq!(one.comes_from(client), Ok(()));
        assert_eq!(two.comes_from(client), Err(Excess::FromAddress.declined()));
        assert_eq!(counts(&admissions), [2, 2, 0, 1]);
        assert_eq!(one.comes_from(other), Ok(()));
        assert_eq!(two.comes_from(client), Ok(()));
        drop((one, two));
        assert_eq!(counts(&admissions), [0; 4]);
    }

    #[test]
    fn refusals_are_bounded_too_and_hold_no_place() {
        let admissions = Admissions::new(Caps::default().connections(1).per_address(1));
        let from = address("192.0.2.1");
        let one = admitted(&admissions, from);
        let refusals: Vec<_> = (0..MAX_REFUSALS)
            .map(|_| admissions.arrive(|| Some(address("192.0.2.2"))))
            .collect();
        let is_declined = |refusal: &Option<Admission>| {
            refusal
                .as_ref()
                .is_some_and(|refusal| refusal.declined().is_some())
        };
        assert!(refusals.iter().all(is_declined));
        assert!(admissions.arrive(|| Some(from)).is_none());
        assert_eq!(counts(&admissions), [1, 1, MAX_REFUSALS, 1]);
        drop(one);
        let _two = admitted(&admissions, from);
        drop(refusals);
        assert_eq!(counts(&admissions), [1, 1, 0, 1]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Arrive(Option<u8>),
        ComesFrom(usize, u8),
        Open(usize),
        Go(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            prop::option::of(0..3u8).prop_map(Step::Arrive),
            (0..8usize, 0..3u8).prop_map(|(who, from)| Step::ComesFrom(who, from)),
            (0..8usize).prop_map(Step::Open),
            (0..8usize).prop_map(Step::Go),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_no_cap_is_exceeded_and_all_is_given_back(steps in prop::collection::vec(step(), 0..60)) {
            let from = |host| IpAddr::from([192, 0, 2, host]);
            let admissions = Admissions::new(Caps::default().connections(6).per_address(3).handshakes(4));
            let mut here = Vec::new();
            for step in steps {
                match step {
                    Step::Arrive(host) => here.extend(admissions.arrive(|| host.map(from))),
                    Step::ComesFrom(who, host) => {
                        let _ = here.get_mut(who).map(|admission| admission.comes_from(from(host)));
                    }
                    Step::Open(who) => here.get_mut(who).into_iter().for_each(Admission::open),
                    Step::Go(who) if who < here.len() => drop(here.swap_remove(who)),
                    Step::Go(_) => {}
                }
                let counts = admissions.0.as_ref().expect("caps").counts();
                prop_assert!(counts.connections <= 6 && counts.handshakes <= 4, "{counts:?}");
                prop_assert!(counts.by_source.values().all(|count| (1..=3).contains(count)), "{counts:?}");
                prop_assert_eq!(counts.connections + counts.refusals, here.len());
            }
            drop(here);
            prop_assert_eq!(counts(&admissions), [0; 4]);
        }
    }
}
