use tidewire_proto::{CloseCode, ConfigError};

use super::Room;

/// How many messages wait for a slow member, unless it was said.
const CAPACITY: usize = 64;

/// What a room does with a message for a member for which as many wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// Closes the member's connection with this code and the reason "too slow": 1013 (try again later) by default, or
    /// 1008 (policy violation), or one of the application's own.
    Disconnect(CloseCode),
    /// Drops the oldest of those that wait: the member misses what was said long ago.
    DropOldest,
    /// Drops the message: the member misses what is said before it has caught up.
    DropNewest,
    /// Has one message wait, the latest, whatever the capacity: for states of which each replaces the one before.
    KeepLatest,
}

impl Default for WhenFull {
    fn default() -> Self {
        Self::Disconnect(CloseCode::TRY_AGAIN_LATER)
    }
}

/// How a room treats its slow members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    capacity: usize,
    pub(crate) when_full: WhenFull,
}

impl Rules {
    /// How many messages may wait for a member.
    pub(crate) fn capacity(&self) -> usize {
        match self.when_full {
            WhenFull::KeepLatest => 1,
            WhenFull::Disconnect(_) | WhenFull::DropOldest | WhenFull::DropNewest => self.capacity,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            capacity: CAPACITY,
            when_full: WhenFull::default(),
        }
    }
}

/// Collects the settings of a [`Room`].
#[derive(Clone, Debug, Default)]
pub struct RoomBuilder {
    rules: Rules,
}

impl RoomBuilder {
    /// Bounds how many messages wait for one slow member, beside the bytes of its connection's own
    /// [queue](crate::ConfigBuilder::write_queue); 64 by default.
    pub fn capacity(mut self, messages: usize) -> Self {
        self.rules.capacity = messages;
        self
    }

    /// Says what is done when that many wait; by default, the member is disconnected with 1013.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.rules.when_full = when_full;
        self
    }

    /// Makes the room.
    ///
    /// # Errors
    /// [`ConfigError::Zero`] for a capacity of zero, [`ConfigError::CloseCode`] for a code that may not be sent.
    pub fn build(self) -> Result<Room, ConfigError> {
        let Self { rules } = self;
        if rules.capacity == 0 {
            return Err(ConfigError::Zero {
                setting: "room capacity",
            });
        }
        match rules.when_full {
            WhenFull::Disconnect(code) if !code.is_sendable() => Err(ConfigError::CloseCode { code }),
            WhenFull::Disconnect(_) | WhenFull::DropOldest | WhenFull::DropNewest | WhenFull::KeepLatest => {
                Ok(Room::with(rules))
            }
        }
    }
}
