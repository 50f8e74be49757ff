use std::fmt;
use std::sync::Arc;

use tidewire_proto::{Client, Instant, MaskSource};

use super::SystemMasks;
use crate::config::{Config, ConfigBuilder};
use crate::extension::Extensions;
use crate::session::Core;

/// The keys of one connection.
pub(crate) type OwnMasks = Box<dyn FnMut() -> [u8; 4] + Send>;

/// The system's, or a source of a tester's own, from which each connection has its own.
#[derive(Clone, Default)]
pub(crate) struct Masks(Option<Arc<dyn Fn() -> OwnMasks + Send + Sync>>);

impl Masks {
    /// The core of a client's connection.
    pub(crate) fn connect(&self, extensions: Extensions, config: &Config, now: Instant) -> Core {
        match &self.0 {
            None => Core::Client(extensions.connect(Client::new(SystemMasks), config, now)),
            Some(begin) => {
                let core = extensions.connect(Client::new(begin()), config, now);
                Core::Tester(Box::new(core))
            }
        }
    }
}

impl ConfigBuilder {
    /// Has clients take the masking keys of all their frames from a source of one's own; each connection from a clone of it.
    ///
    /// This is for testing tools. §5.3: "The unpredictability of the masking key is essential to prevent authors of
    /// malicious applications from selecting the bytes that appear on the wire." With keys that can be told in advance,
    /// a page that chooses what such a client sends chooses what the caches on the way take for HTTP.
    ///
    /// The source is called with the connection locked: one that panics or waits does so for all who use it.
    pub fn dangerous_masking_keys(mut self, source: impl MaskSource + Clone + Send + Sync + 'static) -> Self {
        let begin = move || {
            let mut source = source.clone();
            Box::new(move || source.next_key()) as OwnMasks
        };
        self.settings.masks = Masks(Some(Arc::new(begin)));
        self
    }
}

/// Shows whose they are.
impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "System",
            Some(_) => "Own",
        })
    }
}
