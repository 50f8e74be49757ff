use tidewire_tokio::{CloseCode, Config, Deliveries, WhenFull};

/// What a room does with ten [numbered](numbered) messages for a member that has stopped reading, whose connection has
/// [room for two](room_for_two) and for which three more may wait.
#[derive(Clone, Copy, Debug)]
pub struct Slow {
    /// The policy.
    pub when_full: WhenFull,
    /// The [counts] afterwards.
    pub counts: [u64; 6],
    /// The numbers of the messages that the member gets when it reads again.
    pub received: &'static [usize],
    /// The Close frame behind them.
    pub close: Option<u16>,
}

/// How many messages wait at most in [`SLOW`].
pub const CAPACITY: usize = 3;

/// Each policy.
pub const SLOW: [Slow; 5] = [
    Slow {
        when_full: WhenFull::DropOldest,
        counts: [2, 8, 5, 0, 0, 0],
        received: &[0, 1, 7, 8, 9],
        close: None,
    },
    Slow {
        when_full: WhenFull::DropNewest,
        counts: [2, 3, 0, 5, 0, 0],
        received: &[0, 1, 2, 3, 4],
        close: None,
    },
    Slow {
        when_full: WhenFull::KeepLatest,
        counts: [2, 8, 0, 0, 7, 0],
        received: &[0, 1, 9],
        close: None,
    },
    Slow {
        when_full: WhenFull::Disconnect(CloseCode::TRY_AGAIN_LATER),
        counts: [2, 3, 0, 0, 0, 1],
        received: &[0, 1],
        close: Some(1013),
    },
    Slow {
        when_full: WhenFull::Disconnect(CloseCode::POLICY_VIOLATION),
        counts: [2, 3, 0, 0, 0, 1],
        received: &[0, 1],
        close: Some(1008),
    },
];

/// Sent, queued, dropped oldest, dropped newest, replaced, disconnected.
pub fn counts(deliveries: Deliveries) -> [u64; 6] {
    [
        deliveries.sent,
        deliveries.queued,
        deliveries.dropped_oldest,
        deliveries.dropped_newest,
        deliveries.replaced,
        deliveries.disconnected,
    ]
}

/// A text of 50 bytes that says its number.
pub fn numbered(number: usize) -> String {
    format!("{number:050}")
}

/// A connection whose queue is full with two [numbered](numbered) messages, which a server sends in 52 bytes each.
///
/// # Panics
/// Never: it contradicts nothing.
pub fn room_for_two() -> Config {
    Config::builder()
        .write_queue(100)
        .keepalive(None)
        .build()
        .expect("no contradiction")
}
