use std::ops::AddAssign;
use std::time::Duration;

use tidewire_proto::CloseCode;

/// What one connection has done since its opening handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// What went in and out.
    pub traffic: Traffic,
    /// The bytes that were queued and have not left.
    pub queued: usize,
    /// The messages that were queued and have not left whole, those of [rooms](crate::Room) that wait for room among
    /// them; after the end, those that never will.
    pub queued_messages: usize,
    /// The last round trip that a ping measured.
    pub latency: Option<Duration>,
    /// The close code, once the connection is closed (§7.1.5).
    pub close_code: Option<CloseCode>,
}

/// What went in and out: of one connection, or of all connections of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Whole messages received; one that is received in pieces counts with its last.
    pub messages_received: u64,
    /// Messages queued; one that is sent in pieces counts with its last.
    pub messages_sent: u64,
    /// Bytes received, headers included.
    pub bytes_received: u64,
    /// Bytes that left, headers included.
    pub bytes_sent: u64,
    /// Payload bytes of the messages received.
    pub payload_received: u64,
    /// Payload bytes of the messages queued.
    pub payload_sent: u64,
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.messages_received += other.messages_received;
        self.messages_sent += other.messages_sent;
        self.bytes_received += other.bytes_received;
        self.bytes_sent += other.bytes_sent;
        self.payload_received += other.payload_received;
        self.payload_sent += other.payload_sent;
    }
}
