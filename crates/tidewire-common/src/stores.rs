//! The memory of long messages, kept for later ones.
//!
//! A fresh megabyte costs a page fault for every 4 KiB of it, more than receiving into it does. So the stores of messages
//! that are done with are kept: by the whole process, since they come and go in all its threads, and not for long.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Memory of less than this is left to the allocator, which keeps it by itself.
const LONG: usize = 32 * 1024;
/// How much is kept in all, or the last one where that is larger.
const KEPT: usize = 32 * 1024 * 1024;
/// What nobody has taken for so long is given back, at the next occasion.
const REST: Duration = Duration::from_secs(1);

static STORES: Mutex<Stores> = Mutex::new(Stores {
    stores: Vec::new(),
    bytes: 0,
});

/// The stores, the one that came last at the end.
struct Stores {
    stores: Vec<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl Stores {
    fn lock() -> MutexGuard<'static, Self> {
        STORES.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&mut self, at: usize) -> Vec<u8> {
        let (_, store) = self.stores.remove(at);
        self.bytes -= store.capacity();
        store
    }

    /// The store that came last of those that have room for `len` bytes, and not for more than twice as many.
    fn find(&self, len: usize) -> Option<usize> {
        let fits = len..=len.saturating_mul(2);
        self.stores
            .iter()
            .rposition(|(_, store)| fits.contains(&store.capacity()))
    }

    fn keep(&mut self, now: Instant, store: Vec<u8>) {
        self.bytes += store.capacity();
        self.stores.push((now, store));
        while self.bytes > KEPT && self.stores.len() > 1 {
            self.remove(0);
        }
    }

    /// Takes out what has rested for long.
    fn take_rested(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let rested = self
            .stores
            .partition_point(|(since, _)| now.saturating_duration_since(*since) > REST);
        (0..rested).map(|_| self.remove(0)).collect()
    }
}

/// Takes an empty store for a message of `len` bytes; one without memory where none is kept that suits.
pub(crate) fn take(len: usize) -> Vec<u8> {
    let mut stores = Stores::lock();
    match stores.find(len) {
        Some(at) => stores.remove(at),
        None => Vec::new(),
    }
}

/// Keeps the memory of a message that nobody needs any more.
pub(crate) fn keep(mut store: Vec<u8>) {
    if store.capacity() < LONG {
        return;
    }
    store.clear();
    let now = Instant::now();
    let mut stores = Stores::lock();
    stores.keep(now, store);
    let rested = stores.take_rested(now);
    drop(stores);
    drop(rested);
}

/// Gives back what nobody has used for a while.
pub(crate) fn trim() {
    let rested = Stores::lock().take_rested(Instant::now());
    drop(rested);
}

/// Bytes whose memory is kept when the last share in them is dropped.
pub(crate) fn shared(store: Vec<u8>) -> Bytes {
    if store.capacity() < LONG {
        return store.into();
    }
    Bytes::from_owner(Kept(store))
}

struct Kept(Vec<u8>);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        keep(mem::take(&mut self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: Stores = Stores {
        stores: Vec::new(),
        bytes: 0,
    };

    #[test]
    fn a_store_serves_messages_of_half_its_size_up_to_all_of_it() {
        let mut stores = EMPTY;
        stores.keep(Instant::now(), Vec::with_capacity(100_000));
        for (len, fits) in [(49_999, false), (50_000, true), (100_000, true), (100_001, false)] {
            assert_eq!(stores.find(len).is_some(), fits, "{len}");
        }
        assert_eq!(stores.remove(0).capacity(), 100_000);
        assert_eq!(stores.bytes, 0);
    }

    #[test]
    fn the_oldest_go_when_too_much_is_kept() {
        let mut stores = EMPTY;
        let now = Instant::now();
        stores.keep(now, Vec::with_capacity(LONG));
        stores.keep(now, Vec::with_capacity(KEPT - LONG));
        assert_eq!((stores.stores.len(), stores.bytes), (2, KEPT));
        stores.keep(now, Vec::with_capacity(LONG + 1));
        assert_eq!(stores.find(LONG), Some(0), "the one that came last");
        assert_eq!((stores.stores.len(), stores.bytes), (1, LONG + 1));
    }

    #[test]
    fn the_last_is_kept_whatever_its_size() {
        let mut stores = EMPTY;
        let now = Instant::now();
        stores.keep(now, Vec::with_capacity(LONG));
        stores.keep(now, Vec::with_capacity(KEPT + 1));
        assert_eq!((stores.stores.len(), stores.bytes), (1, KEPT + 1));
    }

    #[test]
    fn what_has_rested_is_given_back() {
        let mut stores = EMPTY;
        let start = Instant::now();
        stores.keep(start, Vec::with_capacity(LONG));
        stores.keep(start + REST, Vec::with_capacity(LONG));
        assert_eq!(stores.take_rested(start + REST).len(), 0);
        assert_eq!(
            stores.take_rested(start + REST + Duration::from_millis(1)).len(),
            1
        );
        assert_eq!(stores.bytes, LONG);
    }
}
