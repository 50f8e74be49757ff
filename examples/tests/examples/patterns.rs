//! The four patterns of a handler.

use tidewire::blocking::{Message, WebSocket, connect};

use crate::support::{Example, TestResult};

const SERVERS: [&str; 2] = ["tokio-patterns", "blocking-patterns"];

#[test]
fn a_consumer_takes_each_message() -> TestResult {
    for name in SERVERS {
        let mut server = Example::start(name, &["127.0.0.1:0"])?;
        let ws = connect(format!("{}/consume", server.url()?)).open()?;
        ws.send("hello")?;
        ws.send(vec![0; 3])?;
        for expected in ["received 5 bytes", "received 3 bytes"] {
            assert_eq!(server.line()?, expected, "{name}");
        }
    }
    Ok(())
}

#[test]
fn a_producer_sends_until_the_client_closes() -> TestResult {
    for name in SERVERS {
        let mut server = Example::start(name, &["127.0.0.1:0"])?;
        let mut ws = connect(format!("{}/produce", server.url()?)).open()?;
        the_ticks_come(&mut ws, name)?;
        ws.send("nobody wants to know this")?;
        ws.close(1000, "")?;
        assert!(ws.closed().is_some_and(|closed| closed.is_clean()), "{name}");
    }
    Ok(())
}

#[test]
fn both_are_done_at_once() -> TestResult {
    for name in SERVERS {
        let mut server = Example::start(name, &["127.0.0.1:0"])?;
        let mut ws = connect(format!("{}/both", server.url()?)).open()?;
        the_ticks_come(&mut ws, name)?;
        ws.send("hello")?;
        assert_eq!(server.line()?, "received 5 bytes", "{name}");
        ws.close(1000, "")?;
        assert!(ws.closed().is_some_and(|closed| closed.is_clean()), "{name}");
    }
    Ok(())
}

#[test]
fn everybody_who_is_registered_is_told_what_one_says() -> TestResult {
    for name in SERVERS {
        let mut server = Example::start(name, &["127.0.0.1:0"])?;
        let url = format!("{}/register", server.url()?);
        let mut first = connect(&url).open()?;
        first.send("I")?;
        // Whoever hears himself is registered.
        assert_eq!(first.recv()?, Some(Message::from("I")), "{name}");
        let mut second = connect(&url).open()?;
        second.send("I, too")?;
        for member in [&mut first, &mut second] {
            assert_eq!(member.recv()?, Some(Message::from("I, too")), "{name}");
        }
    }
    Ok(())
}

fn the_ticks_come(ws: &mut WebSocket, name: &str) -> TestResult {
    for tick in ["tick 0", "tick 1", "tick 2"] {
        assert_eq!(ws.recv()?, Some(Message::from(tick)), "{name}");
    }
    Ok(())
}
