//! Masking in place and while copying, beside a plain copy as the roofline.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidewire_benches::{KEY, bytes};
use tidewire_proto::frame::mask;

fn masking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mask");
    for len in [16, 128, 1024, 16 * 1024, 64 * 1024, 1024 * 1024] {
        group.throughput(Throughput::Bytes(len as u64));
        let mut payload = bytes(len);
        group.bench_function(BenchmarkId::new("in place", len), |bencher| {
            bencher.iter(|| mask::apply(black_box(KEY), black_box(&mut payload)));
        });
        let mut out = Vec::with_capacity(len);
        group.bench_function(BenchmarkId::new("append", len), |bencher| {
            bencher.iter(|| {
                out.clear();
                mask::append(black_box(KEY), black_box(&payload), &mut out);
                black_box(&out);
            });
        });
        group.bench_function(BenchmarkId::new("copy", len), |bencher| {
            bencher.iter(|| {
                out.clear();
                out.extend_from_slice(black_box(&payload));
                black_box(&out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, masking);
criterion_main!(benches);
