use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidewire_proto::deflate::{Codecs, Deflater, Inflater, Owner, Shape};

/// The codecs that connections of one server, or of one kind of client, share.
///
/// What is at rest here takes no more memory than the budget, inflaters no more than half of it; what is lent belongs to
/// the connection that has it. Compressors of busy connections wait for these, so that their next message needs no
/// priming; under pressure, the one that has waited longest goes to whoever asks.
pub struct CodecPool {
    budget: usize,
    resting: Mutex<Resting>,
}

#[derive(Default)]
struct Resting {
    /// The longest at rest first.
    deflaters: VecDeque<Deflater>,
    inflaters: Vec<Inflater>,
    bytes: usize,
}

impl CodecPool {
    /// A pool that keeps codecs of `budget` bytes at most.
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            resting: Mutex::default(),
        }
    }

    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resting {
    fn take(&mut self, place: usize) -> Option<Deflater> {
        let deflater = self.deflaters.remove(place)?;
        self.bytes -= deflater.memory();
        Some(deflater)
    }

    fn place(&self, is_it: impl Fn(&Deflater) -> bool) -> Option<usize> {
        self.deflaters.iter().position(is_it)
    }

    /// Lets go of what exceeds the budget; dropping it is for the caller, without the lock.
    fn excess(&mut self, budget: usize) -> Vec<Deflater> {
        let mut excess = Vec::new();
        while self.bytes > budget
            && let Some(deflater) = self.take(0)
        {
            excess.push(deflater);
        }
        excess
    }
}

impl Codecs for CodecPool {
    fn take_deflater(&self, shape: Shape, owner: Owner) -> Deflater {
        let mut resting = self.resting();
        let fits = |deflater: &Deflater| deflater.shape() == shape;
        let own = resting.place(|deflater| deflater.owner() == Some(owner) && fits(deflater));
        let place = own.or_else(|| resting.place(|deflater| deflater.owner().is_none() && fits(deflater)));
        if let Some(deflater) = place.and_then(|place| resting.take(place)) {
            return deflater;
        }
        // One more would push another one out when it comes back: that one had better be used at once.
        let is_full = resting
            .deflaters
            .back()
            .is_some_and(|latest| resting.bytes + latest.memory() > self.budget);
        let oldest = is_full.then(|| resting.place(fits)).flatten();
        if let Some(deflater) = oldest.and_then(|place| resting.take(place)) {
            return deflater;
        }
        drop(resting);
        Deflater::new(shape)
    }

    fn give_deflater(&self, deflater: Deflater) {
        let mut resting = self.resting();
        resting.bytes += deflater.memory();
        resting.deflaters.push_back(deflater);
        let excess = resting.excess(self.budget);
        drop(resting);
        drop(excess);
    }

    fn release(&self, owner: Owner) {
        let mut resting = self.resting();
        let Some(place) = resting.place(|deflater| deflater.owner() == Some(owner)) else {
            return;
        };
        let Some(mut deflater) = resting.take(place) else {
            return;
        };
        // One for the next that asks is enough.
        let shape = deflater.shape();
        let spare = resting.place(|other| other.owner().is_none() && other.shape() == shape);
        if spare.is_none() {
            deflater.disown();
            resting.bytes += deflater.memory();
            resting.deflaters.push_front(deflater);
        }
        // Before the compressor, where that goes.
        drop(resting);
    }

    fn take_inflater(&self) -> Inflater {
        let mut resting = self.resting();
        match resting.inflaters.pop() {
            Some(inflater) => {
                resting.bytes -= inflater.memory();
                inflater
            }
            None => {
                drop(resting);
                Inflater::new()
            }
        }
    }

    fn give_inflater(&self, inflater: Inflater) {
        let mut resting = self.resting();
        // Half of it is left for compressors, which take longer to make: unfinished messages may have borrowed many of
        // these at a time, and do so rarely.
        let inflaters = (resting.inflaters.len() + 1) * inflater.memory();
        if inflaters <= self.budget / 2 && resting.bytes + inflater.memory() <= self.budget {
            resting.bytes += inflater.memory();
            resting.inflaters.push(inflater);
        }
    }
}

impl fmt::Debug for CodecPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resting = self.resting();
        f.debug_struct("CodecPool")
            .field("budget", &self.budget)
            .field("bytes", &resting.bytes)
            .field("compressors", &resting.deflaters.len())
            .field("inflaters", &resting.inflaters.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidewire_proto::deflate::{Compression, Context, Contexts, Extension, WindowBits};
    use tidewire_proto::{Config, Connection, Inbox, Instant, Server};

    use super::*;

    const TEXT: &str =
        "a text that is long enough to be compressed, since it repeats a text that is long enough";

    /// A connection that borrows from a pool.
    struct Sender {
        connection: Connection<Server>,
        now: Instant,
    }

    impl Sender {
        fn new(extension: &Extension) -> Self {
            let config = Config::new().keepalive(None);
            Self {
                connection: Connection::with_deflate(Server, config, extension, Instant::START),
                now: Instant::START,
            }
        }

        /// Gives the length of what was sent.
        fn send(&mut self) -> usize {
            let (mut inbox, mut out) = (Inbox::new(), Vec::new());
            let (_, mut tx) = self.connection.turn(self.now, &mut inbox, &mut out);
            tx.message(TEXT).expect("open");
            out.len()
        }

        fn sleep(&mut self) {
            self.now = self.now + Compression::default().idle;
            self.connection.handle_timeout(self.now, &mut Vec::new());
        }
    }

    fn extension(pool: &Arc<CodecPool>) -> Extension {
        let contexts = Contexts {
            server: Context::UNLIMITED,
            client: Context::UNLIMITED,
        };
        Extension::new(contexts, pool.clone())
    }

    fn deflaters(pool: &CodecPool) -> usize {
        pool.resting().deflaters.len()
    }

    fn one() -> usize {
        Deflater::new(Shape {
            level: 1,
            window_bits: WindowBits::MAX,
        })
        .memory()
    }

    #[test]
    fn busy_connections_find_their_own_compressor_again() {
        let pool = Arc::new(CodecPool::new(8 << 20));
        let mut senders = [(); 5].map(|()| Sender::new(&extension(&pool)));
        for sender in &mut senders {
            sender.send();
        }
        assert_eq!(deflaters(&pool), 5);
        let owners = |pool: &CodecPool| -> Vec<_> {
            let resting = pool.resting();
            resting.deflaters.iter().map(Deflater::owner).collect()
        };
        let before = owners(&pool);
        for sender in &mut senders {
            sender.send();
        }
        assert_eq!(owners(&pool), before);
    }

    #[test]
    fn what_rests_stays_within_the_budget_and_the_longest_at_rest_goes_first() {
        let budget = 3 * one() + one() / 2;
        let pool = Arc::new(CodecPool::new(budget));
        let mut senders = [(); 10].map(|()| Sender::new(&extension(&pool)));
        let first = senders.each_mut().map(Sender::send);
        assert!(
            deflaters(&pool) <= 3 && pool.resting().bytes <= budget,
            "{pool:?}"
        );
        // Whose compressor went has its next one primed: it still refers to the first message.
        let second = senders.each_mut().map(Sender::send);
        for (first, second) in first.into_iter().zip(second) {
            assert!(second < first / 2, "{first} bytes, then {second}");
        }
        assert!(
            deflaters(&pool) <= 3 && pool.resting().bytes <= budget,
            "{pool:?}"
        );
    }

    #[test]
    fn of_those_asleep_one_compressor_is_kept() {
        let pool = Arc::new(CodecPool::new(8 << 20));
        let mut senders = [(); 6].map(|()| Sender::new(&extension(&pool)));
        let first = senders.each_mut().map(Sender::send);
        for sender in &mut senders {
            sender.sleep();
        }
        assert_eq!(deflaters(&pool), 1);
        let second = senders.each_mut().map(Sender::send);
        assert!(second[0] < first[0] / 2, "{first:?}, then {second:?}");
        drop(senders);
        assert_eq!(deflaters(&pool), 1);
    }

    #[test]
    fn inflaters_that_were_many_once_leave_room_for_compressors() {
        let pool = Arc::new(CodecPool::new(8 << 20));
        // Of as many messages that were unfinished at a time.
        let lent = [(); 200].map(|()| pool.take_inflater());
        for inflater in lent {
            pool.give_inflater(inflater);
        }
        let mut senders = [(); 5].map(|()| Sender::new(&extension(&pool)));
        for sender in &mut senders {
            sender.send();
        }
        assert_eq!(deflaters(&pool), 5, "{pool:?}");
        assert!(pool.resting().bytes <= 8 << 20, "{pool:?}");
    }

    #[test]
    fn a_budget_of_nothing_keeps_nothing() {
        let pool = Arc::new(CodecPool::new(0));
        let mut sender = Sender::new(&extension(&pool));
        let first = sender.send();
        assert!(sender.send() < first / 2);
        pool.give_inflater(pool.take_inflater());
        let resting = pool.resting();
        assert_eq!(
            (resting.deflaters.len(), resting.inflaters.len(), resting.bytes),
            (0, 0, 0)
        );
    }
}
