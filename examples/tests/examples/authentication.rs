//! Who it is: four ways to say so, and what becomes of those who do not.

use tidewire::blocking::{CloseCode, Connect, Message, connect};

use crate::support::{Example, TestResult, get};

#[test]
fn the_first_message_says_who_it_is() -> TestResult {
    let mut server = Example::start("tokio-auth-first-message", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let mut ws = connect(&url).open()?;
    ws.send("token-of-ada")?;
    assert_eq!(ws.recv()?, Some(Message::from("Hello, Ada!")));
    for wrong in [Message::from("token-of-eve"), Message::from(vec![1, 2, 3])] {
        let mut ws = connect(&url).open()?;
        ws.send(wrong)?;
        assert!(ws.recv().is_err());
        let code = ws.closed().map(|closed| closed.code());
        assert_eq!(code, Some(CloseCode::POLICY_VIOLATION));
    }
    Ok(())
}

#[test]
fn a_parameter_of_the_query_says_who_it_is() -> TestResult {
    let mut server = Example::start("tokio-auth-query", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let mut ws = connect(format!("{url}/?room=1&token=token-of-ada")).open()?;
    assert_eq!(ws.recv()?, Some(Message::from("Hello, Ada!")));
    for wrong in ["/", "/?token=", "/?token=token-of-eve"] {
        assert_eq!(
            refusal(&Connect::new(format!("{url}{wrong}"))),
            Some(403),
            "{wrong}"
        );
    }
    Ok(())
}

#[test]
fn a_cookie_says_who_it_is_to_pages_of_the_same_origin() -> TestResult {
    let mut server = Example::start("tokio-auth-cookie", &["127.0.0.1:0"])?;
    let url = server.url()?;
    let origin = url.replace("ws://", "http://");
    let page = get(&url, "/")?;
    let cookie = page
        .lines()
        .find_map(|line| line.strip_prefix("Set-Cookie: ")?.split(';').next())
        .ok_or("no cookie")?;
    let ours = Connect::new(format!("{url}/chat")).field("Origin", &origin);
    let mut ws = ours
        .clone()
        .field("Cookie", format!("theme=dark; {cookie}"))
        .open()?;
    assert_eq!(ws.recv()?, Some(Message::from("Hello, Ada!")));
    assert_eq!(refusal(&ours), Some(403));
    let wrong = ours.field("Cookie", "session=session-of-eve");
    assert_eq!(refusal(&wrong), Some(403));
    let theirs = Connect::new(format!("{url}/chat"))
        .field("Origin", "http://elsewhere.example")
        .field("Cookie", cookie);
    assert_eq!(refusal(&theirs), Some(403));
    Ok(())
}

#[test]
fn a_password_says_who_it_is() -> TestResult {
    let mut server = Example::start("tokio-auth-basic", &["127.0.0.1:0"])?;
    let url = server.url()?;
    // In base64 the user, a colon, and the password.
    let ada = Connect::new(&url).field("Authorization", "Basic YWRhOmNvcnJlY3QgaG9yc2U=");
    assert_eq!(ada.open()?.recv()?, Some(Message::from("Hello, ada!")));
    let eve = Connect::new(&url).field("Authorization", "Basic ZXZlOmNvcnJlY3QgaG9yc2U=");
    assert_eq!(refusal(&eve), Some(401));
    assert_eq!(refusal(&Connect::new(&url)), Some(401));
    Ok(())
}

/// The status with which a client is not let in.
fn refusal(client: &Connect) -> Option<u16> {
    client.open().err().and_then(|error| error.status())
}
