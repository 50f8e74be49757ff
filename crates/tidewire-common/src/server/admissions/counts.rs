use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use super::super::accepting::Declined;
use super::caps::Caps;

/// How many are there.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Those that were admitted.
    pub(super) connections: usize,
    /// Those of them in their opening handshake.
    pub(super) handshakes: usize,
    /// Those that were not.
    pub(super) refusals: usize,
    /// Those that were admitted, by where they come from; where that is capped.
    pub(super) by_source: HashMap<Source, usize>,
}

/// Where connections come from that count together: an address, or the 64 bits of an IPv6 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    V4([u8; 4]),
    V6([u16; 4]),
}

/// Why somebody is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    Connections,
    FromAddress,
    Handshakes,
}

/// How far somebody is who was admitted, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Refusal(Excess),
    Handshake,
    Open,
}

impl Counts {
    /// Whether there is room for one more.
    pub(super) fn judge(&self, caps: Caps, source: Option<Source>) -> Result<(), Excess> {
        if is_full(self.connections, caps.connections) {
            return Err(Excess::Connections);
        }
        self.judge_source(caps, source)?;
        if is_full(self.handshakes, caps.handshakes) {
            return Err(Excess::Handshakes);
        }
        Ok(())
    }

    /// Whether there is room for one more from there.
    pub(super) fn judge_source(&self, caps: Caps, source: Option<Source>) -> Result<(), Excess> {
        let Some(source) = source else { return Ok(()) };
        let count = self.by_source.get(&source).copied().unwrap_or_default();
        if is_full(count, caps.per_address) {
            return Err(Excess::FromAddress);
        }
        Ok(())
    }

    pub(super) fn enter(&mut self, stage: Stage) {
        match stage {
            Stage::Refusal(_) => self.refusals += 1,
            Stage::Handshake => {
                self.connections += 1;
                self.handshakes += 1;
            }
            Stage::Open => self.connections += 1,
        }
    }

    pub(super) fn leave(&mut self, stage: Stage) {
        match stage {
            Stage::Refusal(_) => self.refusals -= 1,
            Stage::Handshake => {
                self.connections -= 1;
                self.handshakes -= 1;
            }
            Stage::Open => self.connections -= 1,
        }
    }

    pub(super) fn add(&mut self, source: Option<Source>) {
        if let Some(source) = source {
            *self.by_source.entry(source).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, source: Option<Source>) {
        if let Some(Entry::Occupied(mut count)) = source.map(|source| self.by_source.entry(source)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Excess {
    pub(super) fn declined(self) -> Declined {
        match self {
            Self::Connections => (503, "too many connections"),
            Self::FromAddress => (503, "too many connections from this address"),
            Self::Handshakes => (503, "too many connections are being opened"),
        }
    }
}

fn is_full(count: usize, cap: Option<usize>) -> bool {
    cap.is_some_and(|cap| count >= cap)
}

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}
