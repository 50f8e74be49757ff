use std::collections::BTreeMap;
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

/// What a server has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerMetrics {
    /// What went in and out over all connections, those that have ended and those that are open.
    pub traffic: Traffic,
    /// How many connections are open.
    pub connections: usize,
    /// How many have ended, by close code; 1006 stands for those that ended without a closing handshake.
    pub closed: BTreeMap<CloseCode, u64>,
    /// How many opening handshakes led to no connection: refused, broken off, or too slow.
    pub failed_handshakes: u64,
    /// The bytes that are queued on open connections.
    pub queued: usize,
    /// The messages that are queued on open connections.
    pub queued_messages: usize,
}

impl ServerMetrics {
    /// Counts a connection that is open.
    pub fn add_open(&mut self, metrics: &Metrics) {
        self.traffic += metrics.traffic;
        self.connections += 1;
        self.queued += metrics.queued;
        self.queued_messages += metrics.queued_messages;
    }

    /// Counts a connection that has ended.
    pub fn add_ended(&mut self, metrics: &Metrics) {
        self.traffic += metrics.traffic;
        let code = metrics.close_code.unwrap_or(CloseCode::ABNORMAL);
        *self.closed.entry(code).or_default() += 1;
    }
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
