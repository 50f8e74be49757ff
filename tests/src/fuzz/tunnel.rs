use tidewire_common::proto::handshake::HeadLimits;
use tidewire_common::{Endpoint, Proxy, Tunnel};

use super::Source;

/// Small enough for a fuzzer to reach each of them.
fn limits() -> HeadLimits {
    HeadLimits::default().bytes(1024).line(256).fields(16)
}

const PROXIES: [&str; 7] = [
    "http://proxy.test",
    "https://ada:s3cret@proxy.test",
    "socks4://ada@proxy.test",
    "socks4a://proxy.test",
    "socks5://proxy.test",
    "socks5h://ada:s3cret@proxy.test",
    "socks5h://proxy.test",
];

/// Whatever a proxy answers is judged the same in pieces as whole, no byte behind its consent is lost, and nothing of it
/// reaches a log raw; what it is told is bounded, and holds a name that was chosen by somebody else as it is or not at
/// all.
///
/// # Panics
/// Where it is not so.
pub fn tunnel(data: &[u8]) {
    let mut source = Source::new(data);
    let url = PROXIES[usize::from(source.byte()) % PROXIES.len()];
    let proxy = Proxy::parse(url).expect("a proxy");
    let name_len = usize::from(source.byte());
    let name = String::from_utf8_lossy(source.take(name_len)).into_owned();
    let endpoint = Endpoint::new(&name, u16::from_be_bytes([source.byte(), source.byte()]));
    let pieces = source.pieces();
    let whole = pieces.concat();
    let outcome = run(&proxy, &endpoint, [&*whole]);
    assert_eq!(run(&proxy, &endpoint, pieces.iter().copied()), outcome);
    assert_eq!(run(&proxy, &endpoint, whole.chunks(1)), outcome);
    let (told, answer) = outcome;
    assert!(told.len() < 2048, "{} bytes are told", told.len());
    match answer {
        Ok(Some(rest)) => assert!(whole.ends_with(&rest), "other bytes than the server's"),
        Ok(None) => assert!(
            whole.len() <= 1024 + 64 * 1024,
            "{} bytes are waited behind",
            whole.len()
        ),
        Err(text) => {
            assert!(!text.chars().any(char::is_control), "{text:?} would reach a log");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
    let is_telling = !told.is_empty() && !name.is_empty() && matches!(endpoint, Endpoint::Name { .. });
    if is_telling && url.starts_with("http") {
        let start = format!("CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\n");
        assert!(told.starts_with(start.as_bytes()), "a line was injected");
        assert!(
            !endpoint.to_string().contains(['\r', '\n', ' ', '@']),
            "{endpoint}"
        );
    }
}

/// What is told, and what became of it: the bytes behind the proxy's consent.
type Outcome = (Vec<u8>, Result<Option<Vec<u8>>, String>);

fn run<'i>(proxy: &Proxy, endpoint: &Endpoint, pieces: impl IntoIterator<Item = &'i [u8]>) -> Outcome {
    let mut told = Vec::new();
    let mut tunnel = match Tunnel::new(proxy, endpoint, limits(), &mut told) {
        Ok(tunnel) => tunnel,
        Err(error) => return (told, Err(error.to_string())),
    };
    let mut opened = None::<Vec<u8>>;
    for piece in pieces {
        // Behind the consent, the stream is the server's.
        if let Some(rest) = &mut opened {
            rest.extend(piece);
            continue;
        }
        match tunnel.handle_input(piece, &mut told) {
            Ok(rest) => opened = rest,
            Err(error) => return (told, Err(error.to_string())),
        }
    }
    if opened.is_none() {
        let ended = tunnel.handle_end().to_string();
        assert!(
            !ended.chars().any(char::is_control),
            "{ended:?} would reach a log"
        );
    }
    (told, Ok(opened))
}
