use core::sync::atomic::{AtomicU64, Ordering};

use super::deflater::Deflater;
use super::inflater::Inflater;
use crate::deflate::context::WindowBits;

/// Where connections borrow their codecs, each for one message.
///
/// A compressor is some 300 KB and an inflater 100, whatever the window, so nobody should own one while idle. What
/// a connection has to remember between two messages, it keeps as plain text, and primes a codec with it. An
/// implementation only decides how many codecs are kept, and for whom: any that it gives is put right by the
/// connection, so that a wrong one costs time and nothing else.
///
/// [`NoPool`] keeps none. `tidewire-common` has a pool with a budget.
pub trait Codecs: Send + Sync {
    /// Lends a compressor of this shape, best the one that its owner gave back last.
    fn take_deflater(&self, shape: Shape, owner: Owner) -> Deflater;

    /// Takes a compressor back; one that [belongs](Deflater::owner) to a connection saves that the priming, if
    /// nobody else needs it.
    fn give_deflater(&self, deflater: Deflater);

    /// Learns that this connection sleeps or has ended: it does not come back for its compressor soon.
    fn release(&self, owner: Owner);

    /// Lends an inflater.
    fn take_inflater(&self) -> Inflater;

    /// Takes an inflater back.
    fn give_inflater(&self, inflater: Inflater);
}

/// What distinguishes one compressor from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The compression level, 1 to 9.
    pub level: u8,
    /// The window.
    pub window_bits: WindowBits,
}

/// A connection, as those know it that lend codecs; no two in a process are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner(u64);

impl Owner {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Makes a codec for each message, and keeps none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPool;

impl Codecs for NoPool {
    fn take_deflater(&self, shape: Shape, _owner: Owner) -> Deflater {
        Deflater::new(shape)
    }

    fn give_deflater(&self, _deflater: Deflater) {}

    fn release(&self, _owner: Owner) {}

    fn take_inflater(&self) -> Inflater {
        Inflater::new()
    }

    fn give_inflater(&self, _inflater: Inflater) {}
}

/// How much one call moved, by a codec's count before and after it: no more than the call's slices hold.
pub(super) fn moved(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}
