//! Opening handshakes: a server answers a browser's request, a client makes one and takes the response; without and
//! with an offer of compression.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tidewire_proto::Instant;
use tidewire_proto::deflate::{Context, Contexts};
use tidewire_proto::handshake::{
    Acceptance, ClientHandshake, ClientRequest, HeadLimits, ServerHandshake, Upgrade,
};

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(10));
const NONCE: [u8; 16] = *b"the sample nonce";

const LIMITS: Contexts = Contexts {
    server: Context::UNLIMITED,
    client: Context::UNLIMITED,
};

/// Whether compression is offered and agreed on.
#[derive(Clone, Copy)]
enum Deflate {
    Off,
    On,
}

/// What a browser sends.
fn request(deflate: Deflate) -> Vec<u8> {
    let extensions = match deflate {
        Deflate::Off => "",
        Deflate::On => "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    };
    let request = format!(
        "GET /chat?room=42 HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nPragma: no-cache\r\n\
         Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like \
         Gecko) Chrome/140.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: https://chat.example.com\r\n\
         Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
         Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
    );
    request.into_bytes()
}

/// Reads a request, judges it and appends the response.
fn serve(request: &[u8], deflate: Deflate, out: &mut Vec<u8>) {
    let mut handshake = ServerHandshake::new(Instant::START, TIMEOUT, HeadLimits::default());
    let request = handshake.handle_input(request).expect("it is right");
    let upgrade = Upgrade::check(&request.expect("it is whole")).expect("it asks for a WebSocket");
    let mut acceptance = Acceptance::new();
    if let Deflate::On = deflate {
        let (answer, agreed) = upgrade.deflate(LIMITS).expect("it is offered");
        black_box(agreed);
        acceptance = acceptance.deflate(answer);
    }
    upgrade
        .accept(&acceptance, out)
        .expect("what is answered was offered");
}

/// Appends a request, reads the response and judges it.
fn connect(response: &[u8], deflate: Deflate, out: &mut Vec<u8>) {
    let mut request = ClientRequest::new("chat.example.com", "/chat?room=42").expect("valid");
    if let Deflate::On = deflate {
        request = request.deflate(LIMITS);
    }
    let limits = HeadLimits::default();
    let mut handshake = ClientHandshake::new(Instant::START, TIMEOUT, limits, request, NONCE, out);
    let accepted = handshake.handle_input(response).expect("it is right");
    black_box(accepted.expect("it is whole").deflate());
}

fn handshake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("handshake");
    for (name, deflate) in [("plain", Deflate::Off), ("deflate", Deflate::On)] {
        let request = request(deflate);
        let mut out = Vec::with_capacity(1024);
        group.bench_function(format!("server, {name}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                serve(black_box(&request), deflate, &mut out);
                black_box(&out);
            });
        });
        out.clear();
        serve(&request, deflate, &mut out);
        let response = out.clone();
        group.bench_function(format!("client, {name}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                connect(black_box(&response), deflate, &mut out);
                black_box(&out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, handshake);
criterion_main!(benches);
