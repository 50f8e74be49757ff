//! Rooms.

use tidewire::blocking::{WebSocket, connect};

use crate::support::{Example, TestResult};

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
        let mut one = connect(format!("{url}/tea")).open()?;
        hears(&mut one, " has come; here are 1")?;
        let mut elsewhere = connect(format!("{url}/coffee")).open()?;
        hears(&mut elsewhere, " has come; here are 1")?;
        let mut other = connect(format!("{url}/tea")).open()?;
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
