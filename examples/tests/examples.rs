//! Each example, started, talked to and ended.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use support::{Example, TestResult};
use tidewire::blocking::{Message, WebSocket, connect};

const SERVERS: [&str; 4] = [
    "tokio-echo-server",
    "blocking-echo-server",
    "core-over-tcp",
    "tokio-axum",
];

#[test]
fn each_server_echoes_one_client_after_the_other() -> TestResult {
    for name in SERVERS {
        let mut server = Example::start(name, &["127.0.0.1:0"])?;
        let url = server.url()?;
        for _ in 0..2 {
            let mut ws = connect(&url)?;
            for message in [Message::from("hello"), Message::from(vec![0; 100_000])] {
                ws.send(message.clone())?;
                assert_eq!(ws.recv()?, Some(message), "{name}");
            }
            ws.ping()?;
            ws.close(1000, "")?;
            assert!(ws.closed().is_some_and(|closed| closed.is_clean()), "{name}");
        }
    }
    Ok(())
}

#[test]
fn each_client_ends_well_with_each_server() -> TestResult {
    for client in ["tokio-client", "blocking-client"] {
        for server in SERVERS {
            let mut running = Example::start(server, &["127.0.0.1:0"])?;
            let mut said = Example::start(client, &[&running.url()?])?.all_lines()?;
            said.retain(|line| !line.starts_with("round trip: "));
            let expected = [
                "text: message 1",
                "text: message 2",
                "text: message 3",
                "binary: 2 bytes",
                "closed with 1000 (normal closure)",
            ];
            assert_eq!(said, expected, "{client} with {server}");
        }
    }
    Ok(())
}

#[test]
fn the_router_leads_each_path_to_its_handler() -> TestResult {
    let mut server = Example::start("tokio-router", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let mut echo = connect(format!("{url}/echo"))?;
    echo.send("hello")?;
    assert_eq!(echo.recv()?, Some(Message::from("hello")));
    let mut count = connect(format!("{url}/count/1/3"))?;
    for number in ["1", "2", "3"] {
        assert_eq!(count.recv()?, Some(Message::from(number)));
    }
    assert_eq!(count.recv()?, None);
    for path in ["", "/nowhere", "/count/1/many"] {
        let refused = connect(format!("{url}{path}")).err();
        assert_eq!(refused.and_then(|error| error.status()), Some(404), "{path}");
    }
    let mut stream = TcpStream::connect(url.trim_start_matches("ws://"))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    assert!(response.ends_with("\r\n\r\nok\n"), "{response}");
    Ok(())
}

#[test]
fn each_chat_tells_a_room_what_its_guests_say() -> TestResult {
    for name in ["tokio-chat", "blocking-chat"] {
        let mut server = Example::start(name, &["127.0.0.1:0"])?;
        let url = server.url()?;
        let hears = |ws: &mut WebSocket, end: &str| -> TestResult {
            let message = ws.recv()?.ok_or("the chat closed")?;
            let text = message.as_text().unwrap_or("bytes");
            assert!(text.ends_with(end), "{name}: {text:?} for {end:?}");
            Ok(())
        };
        let mut one = connect(format!("{url}/tea"))?;
        hears(&mut one, " has come; here are 1")?;
        let mut elsewhere = connect(format!("{url}/coffee"))?;
        hears(&mut elsewhere, " has come; here are 1")?;
        let mut other = connect(format!("{url}/tea"))?;
        hears(&mut one, " has come; here are 2")?;
        hears(&mut other, " has come; here are 2")?;
        one.send("milk?")?;
        hears(&mut other, ": milk?")?;
        other.send("lemon")?;
        hears(&mut one, ": lemon")?;
        other.close(1000, "")?;
        hears(&mut one, " has left")?;
        one.close(1000, "")?;
    }
    Ok(())
}

#[test]
fn the_core_over_tcp_refuses_what_is_no_upgrade() -> TestResult {
    let mut server = Example::start("core-over-tcp", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let mut stream = TcpStream::connect(url.trim_start_matches("ws://"))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
    Ok(())
}

#[test]
fn axum_serves_a_page_beside() -> TestResult {
    let mut server = Example::start("tokio-axum", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let address = url.trim_start_matches("ws://").trim_end_matches("/echo");
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(response.ends_with("connect to /echo\n"), "{response}");
    Ok(())
}

#[test]
fn the_pair_in_memory_shows_what_each_side_sees() -> TestResult {
    let said = Example::start("core-in-memory", &[])?.all_lines()?;
    let expected = ["server: Message(Text(5 bytes))", "client: Message(Text(5 bytes))"];
    assert_eq!(said.get(..2), Some(&expected.map(String::from)[..]));
    assert!(
        said.iter().any(|line| line.starts_with("server: Ping(")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|line| line.starts_with("client: Pong(")),
        "{said:?}"
    );
    assert_eq!(said.last().map(String::as_str), Some("client: clean true"));
    Ok(())
}
