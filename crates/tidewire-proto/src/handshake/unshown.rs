use alloc::vec::Vec;
use core::fmt;

/// Received bytes, which `Debug` counts and does not show: they are payload, or a head with its credentials.
#[derive(Default)]
pub(super) struct Unshown(pub(super) Vec<u8>);

impl Unshown {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }
}

impl fmt::Debug for Unshown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
