//! What stands between a listener and HTTP: caps, PROXY headers and TLS, the same in both adapters.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tidewire_blocking::{ClientTls, Connect, HandshakeError, Message, TlsSocket, WebSocket};
use tidewire_tests::live::{Certificate, Running, exchange, request, upgrade};
use tidewire_tokio::{Caps, Config, ProxyProtocol, ServerTls};

/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// Somebody behind a proxy.
const HEADER: &str = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";

/// The settings of a server of either adapter.
#[derive(Clone, Default)]
struct Settings {
    caps: Caps,
    proxy_protocol: Option<ProxyProtocol>,
    tls: Option<ServerTls>,
    config: Config,
}

/// Sets a server up that tells each client which address it has, and stays.
macro_rules! server {
    ($server:expr, $settings:expr) => {{
        let Settings {
            caps,
            proxy_protocol,
            tls,
            config,
        } = $settings;
        let mut server = $server.caps(caps).config(config);
        if let Some(protocol) = proxy_protocol {
            server = server.proxy_protocol(protocol);
        }
        match tls {
            Some(tls) => server.tls(tls),
            None => server,
        }
    }};
}

fn told(address: Option<SocketAddr>) -> String {
    address.map_or("nowhere".to_owned(), |address| address.to_string())
}

fn on_tokio(settings: Settings) -> Running {
    Running::on_tokio(move |listener| {
        let handler = async |mut ws: tidewire_tokio::WebSocket| {
            ws.send(told(ws.peer_addr())).await?;
            while let Some(message) = ws.recv().await? {
                ws.send(message).await?;
            }
            Ok::<(), tidewire_tokio::Error>(())
        };
        server!(tidewire_tokio::Server::new(listener, handler), settings)
    })
}

fn on_threads(settings: Settings) -> Running {
    Running::on_threads(|listener| {
        let handler = |mut ws: WebSocket| {
            ws.send(told(ws.peer_addr()))?;
            while let Some(message) = ws.recv()? {
                ws.send(message)?;
            }
            Ok::<(), tidewire_blocking::Error>(())
        };
        server!(tidewire_blocking::Server::new(listener, handler), settings)
    })
}

fn on_both(settings: &Settings, test: impl Fn(&Running)) {
    for server in [on_tokio(settings.clone()), on_threads(settings.clone())] {
        test(&server);
    }
}

fn connect(address: SocketAddr) -> WebSocket {
    Connect::new(format!("ws://{address}/")).open().expect("a server")
}

fn raw(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a server");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// What comes until the server closes; a reset is an end, too.
fn read_to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    match stream.read_to_end(&mut read) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("no end: {error}"),
        Ok(_) | Err(_) => read,
    }
}

/// Opens a WebSocket over TLS over this stream.
fn over_tls(stream: TcpStream, tls: &ClientTls) -> Result<WebSocket<TlsSocket>, HandshakeError> {
    let socket = TlsSocket::connect(stream, tls, "localhost", Some(PATIENCE))?;
    Connect::new("ws://localhost/").over(socket)
}

fn text(ws: &mut WebSocket<impl tidewire_blocking::Transport>) -> String {
    let message = ws.recv_timeout(PATIENCE).expect("a message").expect("no end");
    message.as_text().expect("text").to_owned()
}

#[test]
fn one_connection_too_many_is_503_until_another_goes() {
    let table = [
        (Caps::default().connections(2), "too many connections\n"),
        (
            Caps::default().per_address(2),
            "too many connections from this address\n",
        ),
    ];
    for (caps, reason) in table {
        let settings = Settings {
            caps,
            ..Settings::default()
        };
        on_both(&settings, |server| {
            let mut kept = [connect(server.address()), connect(server.address())];
            for ws in &mut kept {
                text(ws);
            }
            let refused = upgrade(server.address(), "/", "");
            assert_eq!(refused.status(), "503");
            assert_eq!(refused.rest, reason.as_bytes());
            let [one, _two] = &mut kept;
            one.close(1000, "").expect("a code that may be sent");
            one.wait_closed();
            // The server notices a moment later than the client.
            let started = Instant::now();
            while upgrade(server.address(), "/", "").status() != "101" {
                assert!(started.elapsed() < PATIENCE, "no room again");
            }
        });
    }
}

#[test]
fn handshakes_are_capped_until_they_are_done() {
    let settings = Settings {
        caps: Caps::default().handshakes(1),
        ..Settings::default()
    };
    on_both(&settings, |server| {
        // Open connections do not count.
        let mut kept: Vec<_> = (0..3).map(|_| connect(server.address())).collect();
        for ws in &mut kept {
            text(ws);
        }
        let mut silent = raw(server.address());
        let refused = upgrade(server.address(), "/", "");
        assert_eq!(refused.status(), "503");
        assert_eq!(refused.rest, b"too many connections are being opened\n");
        silent
            .write_all(request("/", "").as_bytes())
            .expect("a server that reads");
        let mut head = [0; 12];
        silent.read_exact(&mut head).expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 101");
    });
}

#[test]
fn a_proxy_tells_whose_connection_it_is() {
    let settings = Settings {
        proxy_protocol: Some(ProxyProtocol::required()),
        caps: Caps::default().per_address(1),
        ..Settings::default()
    };
    on_both(&settings, |server| {
        let address = server.address();
        let told = exchange(address, &format!("{HEADER}{}", request("/", "")));
        assert_eq!(told.told(), "192.0.2.1:56324");
        // In pieces, and another client.
        let mut pieces = raw(address);
        let asked = format!("PROXY TCP6 2001:db8::1 2001:db8::2 1 443\r\n{}", request("/", ""));
        for piece in asked.as_bytes().chunks(7) {
            pieces.write_all(piece).expect("a server that reads");
        }
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"[2001:db8::1]:1") {
            pieces.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
        }
        // The cap is that of the client.
        let refused = exchange(address, &asked);
        assert_eq!(refused.status(), "503");
        assert_eq!(refused.rest, b"too many connections from this address\n");
        // Nothing is said to somebody who does not say whose the connection is.
        let mut direct = raw(address);
        direct
            .write_all(request("/", "").as_bytes())
            .expect("a server that reads");
        assert_eq!(read_to_end(direct), b"");
    });
}

#[test]
fn clients_that_come_directly_have_no_header() {
    let protocol = ProxyProtocol::from_trusted(["192.0.2.0/24"]).expect("a network");
    let settings = Settings {
        proxy_protocol: Some(protocol),
        caps: Caps::default().per_address(1),
        ..Settings::default()
    };
    on_both(&settings, |server| {
        let mut ws = connect(server.address());
        assert_eq!(text(&mut ws), ws.local_addr().expect("an address").to_string());
        assert_eq!(upgrade(server.address(), "/", "").status(), "503");
    });
}

#[test]
fn tls_is_spoken_under_both() {
    let certificate = Certificate::new();
    let settings = Settings {
        tls: Some(certificate.server()),
        ..Settings::default()
    };
    on_both(&settings, |server| {
        let stream = raw(server.address());
        let ours = stream.local_addr().expect("an address").to_string();
        let mut ws = over_tls(stream, &certificate.client()).expect("a server");
        assert_eq!(text(&mut ws), ours);
        let large = "wave ".repeat(100_000);
        ws.send(large.clone()).expect("an open connection");
        assert_eq!(text(&mut ws), large);
        ws.close(1000, "").expect("a code that may be sent");
        assert!(ws.wait_closed().is_clean());
        // Another certificate is not ours to trust.
        let stranger = over_tls(raw(server.address()), &Certificate::new().client());
        assert!(matches!(stranger, Err(HandshakeError::Tls(_))), "{stranger:?}");
    });
}

#[test]
fn plain_text_on_a_tls_port_is_refused_at_once() {
    let settings = Settings {
        tls: Some(Certificate::new().server()),
        ..Settings::default()
    };
    on_both(&settings, |server| {
        let refused = exchange(server.address(), &request("/", ""));
        assert_eq!(refused.status(), "400");
        assert_eq!(refused.rest, b"this port speaks TLS\n");
    });
}

#[test]
fn tls_comes_behind_the_header_of_a_proxy() {
    let certificate = Certificate::new();
    let settings = Settings {
        tls: Some(certificate.server()),
        proxy_protocol: Some(ProxyProtocol::required()),
        caps: Caps::default().per_address(1),
        ..Settings::default()
    };
    on_both(&settings, |server| {
        let behind_proxy = || {
            let mut stream = raw(server.address());
            stream.write_all(HEADER.as_bytes()).expect("a server that reads");
            over_tls(stream, &certificate.client())
        };
        let mut ws = behind_proxy().expect("a server");
        assert_eq!(text(&mut ws), "192.0.2.1:56324");
        ws.send("hello").expect("an open connection");
        assert_eq!(ws.recv().expect("an answer"), Some(Message::from("hello")));
        // One too many is not worth a handshake of TLS.
        let refused = behind_proxy();
        assert!(refused.is_err(), "{refused:?}");
    });
}

#[test]
fn who_says_nothing_is_dropped_when_the_time_to_open_is_over() {
    let config = || {
        Config::builder()
            .open_timeout(Duration::from_millis(300))
            .build()
            .expect("no contradiction")
    };
    for settings in [
        Settings {
            tls: Some(Certificate::new().server()),
            config: config(),
            ..Settings::default()
        },
        Settings {
            proxy_protocol: Some(ProxyProtocol::required()),
            config: config(),
            ..Settings::default()
        },
    ] {
        on_both(&settings, |server| {
            for begun in ["", "\x16\x03\x01", "PROXY TCP4 "] {
                let mut stream = raw(server.address());
                stream.write_all(begun.as_bytes()).expect("a server that reads");
                read_to_end(stream);
            }
        });
    }
}

#[test]
fn a_handshake_of_tls_does_not_hold_a_shutdown_up() {
    let settings = Settings {
        tls: Some(Certificate::new().server()),
        ..Settings::default()
    };
    for server in [on_tokio(settings.clone()), on_threads(settings)] {
        let mut stream = raw(server.address());
        stream.write_all(b"\x16\x03\x01").expect("a server that reads");
        let started = Instant::now();
        server.stop(PATIENCE);
        assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
        read_to_end(stream);
    }
}
