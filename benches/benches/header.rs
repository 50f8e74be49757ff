//! One frame header, parsed and written, for each form of the length.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tidewire_benches::KEY;
use tidewire_proto::frame::{FrameHeader, Opcode, ReservedBits, Sender};

fn headers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("header");
    for len in [16, 1024, 1024 * 1024] {
        for (name, sender, masking_key) in [
            ("server", Sender::Server, None),
            ("client", Sender::Client, Some(KEY)),
        ] {
            let header = FrameHeader {
                opcode: Opcode::Binary,
                fin: true,
                reserved: ReservedBits::NONE,
                masking_key,
                payload_len: len,
            };
            let mut bytes = Vec::with_capacity(16);
            header.write(&mut bytes);
            group.bench_function(BenchmarkId::new(format!("parse from {name}"), len), |bencher| {
                bencher.iter(|| FrameHeader::parse(black_box(&bytes), black_box(sender), ReservedBits::NONE));
            });
            let mut out = Vec::with_capacity(16);
            group.bench_function(BenchmarkId::new(format!("write by {name}"), len), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    black_box(&header).write(&mut out);
                    black_box(&out);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, headers);
criterion_main!(benches);
