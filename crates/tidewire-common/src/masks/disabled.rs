use tidewire_proto::{Client, Instant};

use super::SystemMasks;
use crate::config::Config;
use crate::extension::Extensions;
use crate::session::Core;

/// The system's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks(());

impl Masks {
    /// The core of a client's connection.
    #[expect(clippy::unused_self, reason = "there are others in the other build")]
    pub(crate) fn connect(&self, extensions: Extensions, config: &Config, now: Instant) -> Core {
        Core::Client(extensions.connect(Client::new(SystemMasks), config, now))
    }
}
