//! One message compressed and appended, one compressed message received, for each way of remembering earlier ones.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidewire_benches::deflate::json;
use tidewire_common::CodecPool;
use tidewire_proto::deflate::{Choice, Compression, Context, Contexts, Extension, Takeover, WindowBits};
use tidewire_proto::{Client, Config, Connection, Event, Inbox, Instant, Role, Server};

const SIZES: [usize; 3] = [64, 1024, 64 * 1024];

/// How a connection is treated between two messages.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    takeover: Takeover,
    /// It sleeps before each message.
    sleeps: bool,
}

const SETTINGS: [Setting; 3] = [
    Setting {
        name: "takeover",
        takeover: Takeover::Allowed,
        sleeps: false,
    },
    Setting {
        name: "no takeover",
        takeover: Takeover::Forbidden,
        sleeps: false,
    },
    Setting {
        name: "hibernated",
        takeover: Takeover::Allowed,
        sleeps: true,
    },
];

impl Setting {
    fn extension(self, level: u8) -> Extension {
        let context = Context {
            takeover: self.takeover,
            window_bits: WindowBits::new(12).expect("8 to 15"),
        };
        let contexts = Contexts {
            server: context,
            client: context,
        };
        let codecs = Arc::new(CodecPool::new(8 << 20));
        Extension::new(contexts, codecs).compression(Compression {
            level,
            choice: Choice::All,
            ..Compression::default()
        })
    }
}

/// A connection with its buffers and its time.
struct Endpoint<R> {
    connection: Connection<R>,
    inbox: Inbox,
    out: Vec<u8>,
    now: Instant,
}

impl<R: Role> Endpoint<R> {
    fn new(role: R, extension: &Extension) -> Self {
        Self {
            connection: Connection::with_deflate(
                role,
                Config::new().keepalive(None),
                extension,
                Instant::START,
            ),
            inbox: Inbox::with_capacity(1 << 20),
            out: Vec::with_capacity(1 << 20),
            now: Instant::START,
        }
    }

    fn send(&mut self, text: &str) {
        self.out.clear();
        let (_, mut tx) = self.connection.turn(self.now, &mut self.inbox, &mut self.out);
        tx.message(text).expect("open");
    }

    fn receive(&mut self) -> usize {
        let mut received = 0;
        while !self.inbox.is_empty() {
            let (mut rx, mut tx) = self.connection.turn(self.now, &mut self.inbox, &mut self.out);
            while let Some(event) = rx.next(&mut tx).expect("a message of ours") {
                if let Event::Message(message) = event {
                    received = message.as_message().as_bytes().len();
                }
            }
        }
        received
    }

    fn rest(&mut self, setting: Setting) {
        if setting.sleeps {
            self.now = self.now + Duration::from_secs(1);
            self.connection.handle_timeout(self.now, &mut self.out);
        }
    }
}

fn deflate(criterion: &mut Criterion) {
    for level in [1, 6] {
        let mut group = criterion.benchmark_group(format!("deflate at level {level}"));
        for setting in SETTINGS {
            for len in SIZES {
                // A document of which each message is a part, so that none is like the last.
                let text = json(64 * len);
                let mut parts = (0..64).cycle().map(|part| &text[part * len..][..len]);
                let mut server = Endpoint::new(Server, &setting.extension(level));
                let (mut before, mut after) = (0, 0);
                group.throughput(Throughput::Bytes(len as u64));
                group.bench_function(BenchmarkId::new(setting.name, len), |bencher| {
                    bencher.iter_custom(|rounds| {
                        let mut spent = Duration::ZERO;
                        for part in parts.by_ref().take(usize::try_from(rounds).unwrap_or(1)) {
                            server.rest(setting);
                            let started = std::time::Instant::now();
                            server.send(black_box(part));
                            spent += started.elapsed();
                            before += part.len();
                            after += server.out.len();
                        }
                        spent
                    });
                });
                println!("{}: {} % of its size", setting.name, 100 * after / before.max(1));
            }
        }
        group.finish();
    }
}

fn inflate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("inflate");
    for setting in SETTINGS {
        for len in SIZES {
            let text = json(64 * len);
            let mut parts = (0..64).cycle().map(|part| &text[part * len..][..len]);
            let extension = setting.extension(6);
            let mut server = Endpoint::new(Server, &extension);
            let mut client = Endpoint::new(Client::new(|| [0; 4]), &extension);
            group.throughput(Throughput::Bytes(len as u64));
            group.bench_function(BenchmarkId::new(setting.name, len), |bencher| {
                bencher.iter_custom(|rounds| {
                    let mut spent = Duration::ZERO;
                    for part in parts.by_ref().take(usize::try_from(rounds).unwrap_or(1)) {
                        client.rest(setting);
                        server.send(part);
                        client.inbox.extend(&server.out);
                        let started = std::time::Instant::now();
                        assert_eq!(client.receive(), len);
                        spent += started.elapsed();
                    }
                    spent
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, deflate, inflate);
criterion_main!(benches);
