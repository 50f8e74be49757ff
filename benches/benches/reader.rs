//! Messages received by a server, each of them whole in the input.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidewire_benches::{bytes, from_client, text};
use tidewire_proto::frame::Opcode;
use tidewire_proto::{Config, Connection, Event, Inbox, Instant, Server};

/// A server, its input and the bytes that arrive in every round.
struct Receiver {
    connection: Connection<Server>,
    inbox: Inbox,
    out: Vec<u8>,
    arriving: Vec<u8>,
}

impl Receiver {
    fn new(arriving: Vec<u8>) -> Self {
        Self {
            connection: Connection::new(Server, Config::new(), Instant::START),
            inbox: Inbox::with_capacity(arriving.len()),
            out: Vec::new(),
            arriving,
        }
    }

    /// Receives everything, and shows each message to `take`.
    ///
    /// Frames are unmasked where they lie, so each round needs its own copy, as from a socket.
    fn receive(&mut self, mut take: impl FnMut(Event<'_>)) {
        self.inbox.extend(&self.arriving);
        let (mut rx, mut tx) = self
            .connection
            .turn(Instant::START, &mut self.inbox, &mut self.out);
        while let Some(event) = rx.next(&mut tx).expect("the frames are right") {
            take(event);
        }
    }
}

fn lend(event: Event<'_>) {
    if let Event::Message(message) = event {
        black_box(message.as_message());
    }
}

fn own(event: Event<'_>) {
    if let Event::Message(message) = event {
        black_box(message.into_owned());
    }
}

fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reader");
    for len in [16, 1024, 64 * 1024, 1024 * 1024] {
        group.throughput(Throughput::Bytes(len as u64));
        let (text, binary) = (text(len), bytes(len));
        for (kind, opcode, payload) in [
            ("text", Opcode::Text, text.as_bytes()),
            ("binary", Opcode::Binary, &binary),
        ] {
            let mut receiver = Receiver::new(from_client(opcode, payload));
            group.bench_function(BenchmarkId::new(format!("{kind} borrowed"), len), |bencher| {
                bencher.iter(|| receiver.receive(lend));
            });
            group.bench_function(BenchmarkId::new(format!("{kind} owned"), len), |bencher| {
                bencher.iter(|| receiver.receive(own));
            });
        }
        let (mut copy, payload) = (Vec::with_capacity(len), binary);
        group.bench_function(BenchmarkId::new("copy", len), |bencher| {
            bencher.iter(|| {
                copy.clear();
                copy.extend_from_slice(black_box(&payload));
                black_box(&copy);
            });
        });
    }
    group.finish();
}

fn pipelined(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reader of 16 pipelined");
    group.throughput(Throughput::Elements(16));
    for (kind, opcode) in [("text", Opcode::Text), ("binary", Opcode::Binary)] {
        let mut receiver = Receiver::new(from_client(opcode, text(16).as_bytes()).repeat(16));
        group.bench_function(BenchmarkId::new(format!("{kind} borrowed"), 16), |bencher| {
            bencher.iter(|| receiver.receive(lend));
        });
    }
    group.finish();
}

criterion_group!(benches, messages, pipelined);
criterion_main!(benches);
