//! Messages received by a server, each of them whole in the input, beside the rooflines.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidewire_benches::{KEY, Receiver, bytes, from_client, lend, own, roofline, text};
use tidewire_proto::frame::{Opcode, mask};

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
        let mut to = Vec::with_capacity(len);
        group.bench_function(BenchmarkId::new("copy", len), |bencher| {
            bencher.iter(|| {
                roofline::copy(black_box(&binary), &mut to);
                black_box(&to);
            });
        });
        group.bench_function(BenchmarkId::new("copy + xor", len), |bencher| {
            bencher.iter(|| {
                roofline::copy_and_xor(black_box(&binary), black_box(KEY), &mut to);
                black_box(&to);
            });
        });
        let mut masked = text.into_bytes();
        mask::apply(KEY, &mut masked);
        group.bench_function(BenchmarkId::new("copy + xor + check", len), |bencher| {
            bencher.iter(|| {
                black_box(roofline::copy_xor_and_check(
                    black_box(&masked),
                    black_box(KEY),
                    &mut to,
                ));
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
