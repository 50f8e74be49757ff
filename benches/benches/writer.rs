//! Messages written into an output buffer that has room for them.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidewire_benches::{KEY, bytes};
use tidewire_proto::{Client, Config, Connection, Inbox, Instant, Role, Server};

fn write<R: Role>(connection: &mut Connection<R>, inbox: &mut Inbox, payload: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let (_, mut tx) = connection.turn(Instant::START, inbox, out);
    tx.message(black_box(payload)).expect("the connection is open");
    black_box(out);
}

fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("writer");
    let mut server = Connection::new(Server, Config::new(), Instant::START);
    // A source of keys that costs nothing, so that the writer is measured and not the generator.
    let mut client = Connection::new(Client::new(|| black_box(KEY)), Config::new(), Instant::START);
    let mut inbox = Inbox::new();
    for len in [16, 1024, 64 * 1024, 1024 * 1024] {
        group.throughput(Throughput::Bytes(len as u64));
        let (payload, mut out) = (bytes(len), Vec::with_capacity(len + 64));
        group.bench_function(BenchmarkId::new("server", len), |bencher| {
            bencher.iter(|| write(&mut server, &mut inbox, &payload, &mut out));
        });
        group.bench_function(BenchmarkId::new("client", len), |bencher| {
            bencher.iter(|| write(&mut client, &mut inbox, &payload, &mut out));
        });
    }
    group.finish();
}

criterion_group!(benches, messages);
criterion_main!(benches);
