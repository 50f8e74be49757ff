//! Text received by a server, in several scripts, whole and in pieces that cut its characters, beside the roofline.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidewire_benches::{KEY, Receiver, Script, fragments_from_client, from_client, lend, roofline};
use tidewire_proto::frame::{Opcode, mask};

fn text(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("text");
    for script in Script::ALL {
        for len in [16, 1024, 64 * 1024, 1024 * 1024] {
            group.throughput(Throughput::Bytes(len as u64));
            let mut text = script.text(len).into_bytes();
            let id = |what| BenchmarkId::new(format!("{}, {what}", script.name()), len);

            let mut whole = Receiver::new(from_client(Opcode::Text, &text));
            group.bench_function(id("whole"), |bencher| bencher.iter(|| whole.receive(lend)));
            // A character of two or of four bytes begins at an even place: these cuts are not.
            let fragments = fragments_from_client(Opcode::Text, &text, (len / 5) | 1);
            let mut cut = Receiver::new(fragments);
            group.bench_function(id("in fragments"), |bencher| {
                bencher.iter(|| cut.receive(lend));
            });

            mask::apply(KEY, &mut text);
            let mut to = Vec::with_capacity(len);
            group.bench_function(id("roofline"), |bencher| {
                bencher.iter(|| {
                    black_box(roofline::copy_xor_and_check(
                        black_box(&text),
                        black_box(KEY),
                        &mut to,
                    ));
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, text);
criterion_main!(benches);
