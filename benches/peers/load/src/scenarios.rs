//! What is measured. The names are stable: results of different days are compared by them.

use crate::compression::Deflate;
use crate::payloads::Content;
use crate::servers::Contest;
use crate::turns::Shape;

/// One thing that is measured of each server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) contest: Contest,
    pub(crate) work: Work,
    /// The goal that tidewire has set itself.
    pub(crate) to_reach: &'static str,
}

/// What the load does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Messages come back.
    Echo {
        connections: usize,
        shape: Shape,
        role: Role,
    },
    /// Connections come and go.
    Handshakes,
    /// Connections rest, and take memory.
    Idle { connections: usize, deflate: Deflate },
    /// One message goes to all.
    Broadcast { connections: usize },
}

/// What the program under test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

/// What a result is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    MicrosecondsPerMessage,
    MicrosecondsPerConnection,
    MicrosecondsPerDelivery,
    BytesPerConnection,
}

impl Unit {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::MicrosecondsPerMessage => "µs of CPU per message",
            Self::MicrosecondsPerConnection => "µs of CPU per connection",
            Self::MicrosecondsPerDelivery => "µs of CPU per delivery",
            Self::BytesPerConnection => "bytes per connection",
        }
    }
}

impl Scenario {
    pub(crate) fn unit(&self) -> Unit {
        match self.work {
            Work::Echo { .. } => Unit::MicrosecondsPerMessage,
            Work::Handshakes => Unit::MicrosecondsPerConnection,
            Work::Idle { .. } => Unit::BytesPerConnection,
            Work::Broadcast { .. } => Unit::MicrosecondsPerDelivery,
        }
    }

    pub(crate) fn deflate(&self) -> Deflate {
        match self.work {
            Work::Echo { shape, .. } => shape.deflate,
            Work::Idle { deflate, .. } => deflate,
            Work::Handshakes | Work::Broadcast { .. } => Deflate::Off,
        }
    }

    /// Whether a server without any protocol has something to say.
    pub(crate) fn has_raw(&self) -> bool {
        !matches!(self.work, Work::Handshakes) && self.deflate() == Deflate::Off
    }
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// All scenarios, in the order in which they are taken.
pub(crate) fn all() -> Vec<Scenario> {
    use Content::{Ascii, Binary, Cjk, Emoji, Greek, Json, Latin, Text};
    vec![
        echo("c1 16 B", "≤ 1.05", 1, shape(Binary, 16)),
        echo("c32 16 B", "≤ 1.15", 32, shape(Binary, 16)),
        echo("c32 16 B p16", "≤ 1.10", 32, shape(Binary, 16).pipelined()),
        echo("c32 1 KiB p16", "≤ 1.25", 32, shape(Binary, KIB).pipelined()),
        echo("c1000 125 B", "≤ 1.05", 1000, shape(Binary, 125)),
        echo("c32 64 KiB", "≤ 1.3", 32, shape(Binary, 64 * KIB)),
        echo("c4 1 MiB binary", "≤ 1.35", 4, shape(Binary, MIB)),
        echo("c4 1 MiB text", "≤ 1.4", 4, shape(Text, MIB)),
        echo("c1 16 MiB binary", "≤ 1.4", 1, shape(Binary, 16 * MIB)),
        echo("c1 16 MiB text", "≤ 1.7", 1, shape(Text, 16 * MIB)),
        echo(
            "16 KiB in 1 KiB fragments",
            "≤ 1.2",
            8,
            shape(Binary, 16 * KIB).in_fragments(),
        ),
        other("handshake", "≤ 1.0 of the best library", Work::Handshakes),
        echo(
            "deflate 1 KiB JSON",
            "≤ 0.85 of the best library",
            32,
            shape(Json, KIB).deflated(),
        ),
        echo(
            "deflate 64 KiB",
            "≤ 1.03 of the best library",
            32,
            shape(Json, 64 * KIB).deflated(),
        ),
        idle("idle", "≤ 1,500 B", Deflate::Off),
        idle("idle deflate no takeover", "≤ 1,600 B", Deflate::NoTakeover),
        idle(
            "idle deflate takeover",
            "≤ 1,600 B and the history",
            Deflate::Takeover,
        ),
        client(
            "client role c32 16 B",
            "≤ 1.1 × the server role and masking",
            shape(Binary, 16),
        ),
        client(
            "client role c32 16 B p16",
            "the same",
            shape(Binary, 16).pipelined(),
        ),
        client(
            "client role c32 1 KiB p16",
            "the same",
            shape(Binary, KIB).pipelined(),
        ),
        client("client role c32 64 KiB", "the same", shape(Binary, 64 * KIB)),
        echo("tls c32 1 KiB", "≤ 1.1", 32, shape(Binary, KIB)).on(Contest::Tls),
        idle("tls idle", "≤ raw + 1 KiB", Deflate::Off).on(Contest::Tls),
        other(
            "broadcast 10,000",
            "≤ 1.2",
            Work::Broadcast { connections: 10_000 },
        ),
        echo("text 1 KiB ascii c32 p16", "", 32, shape(Ascii, KIB).pipelined()),
        echo("text 1 KiB latin c32 p16", "", 32, shape(Latin, KIB).pipelined()),
        echo("text 1 KiB greek c32 p16", "", 32, shape(Greek, KIB).pipelined()),
        echo("text 1 KiB cjk c32 p16", "", 32, shape(Cjk, KIB).pipelined()),
        echo("text 1 KiB emoji c32 p16", "", 32, shape(Emoji, KIB).pipelined()),
        echo("blocking c32 16 B", "≤ 1.1", 32, shape(Binary, 16)).on(Contest::Threads),
    ]
}

fn other(name: &'static str, to_reach: &'static str, work: Work) -> Scenario {
    Scenario {
        name,
        contest: Contest::Tasks,
        work,
        to_reach,
    }
}

fn echo(name: &'static str, to_reach: &'static str, connections: usize, shape: Shape) -> Scenario {
    let role = Role::Server;
    let work = Work::Echo {
        connections,
        shape,
        role,
    };
    other(name, to_reach, work)
}

fn client(name: &'static str, to_reach: &'static str, shape: Shape) -> Scenario {
    let (connections, role) = (32, Role::Client);
    let work = Work::Echo {
        connections,
        shape,
        role,
    };
    other(name, to_reach, work)
}

fn idle(name: &'static str, to_reach: &'static str, deflate: Deflate) -> Scenario {
    let connections = 5000;
    other(name, to_reach, Work::Idle { connections, deflate })
}

fn shape(content: Content, size: usize) -> Shape {
    Shape {
        content,
        size,
        batch: 1,
        fragments: 1,
        deflate: Deflate::Off,
    }
}

impl Scenario {
    fn on(self, contest: Contest) -> Self {
        Self { contest, ..self }
    }
}

impl Shape {
    fn pipelined(self) -> Self {
        Self { batch: 16, ..self }
    }

    fn in_fragments(self) -> Self {
        Self {
            fragments: 16,
            ..self
        }
    }

    fn deflated(self) -> Self {
        Self {
            deflate: Deflate::NoTakeover,
            ..self
        }
    }
}
