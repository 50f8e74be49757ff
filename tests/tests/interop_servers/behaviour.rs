use std::time::Duration;

use tidewire_tests::connect_by;
use tidewire_tests::live::Client;
use tidewire_tokio::{Deflate, Error, Message};

use crate::scene::Scene;

/// Connects as a scene says, and with these settings.
macro_rules! connect {
    ($scene:expr, $path:expr $(, $setter:ident($($argument:expr),*))* $(,)?) => {
        connect_by!($scene.adapter, $scene.url("", $path), tls($scene.trust()) $(, $setter($($argument),*))*)
            .unwrap_or_else(|error| panic!("{}: {error}", $scene))
    };
}

/// Longer than what any of them reads at once.
const LARGE: usize = 4 << 20;

fn end(scene: &Scene, client: &Client) {
    client.close(1000, "").expect("a fine code");
    let closed = client.wait_closed();
    assert!(closed.is_clean(), "{scene}: {closed:?}");
}

fn come_back(scene: &Scene, client: &mut Client, messages: impl IntoIterator<Item = Message>) {
    for message in messages {
        let answer = client.ask(message.clone());
        assert!(answer == message, "{scene}: {answer:?} in place of {message:?}");
    }
}

pub(crate) fn messages_come_back(scene: &Scene) {
    let mut client = connect!(scene, "/");
    assert_eq!(client.handshake().extensions().count(), 0, "{scene}");
    let messages: [Message; 6] = [
        "hello".into(),
        "".into(),
        "é漢🦀".repeat(100).into(),
        vec![].into(),
        vec![0, 1, 0xff].into(),
        vec![0xff; 70_000].into(),
    ];
    come_back(scene, &mut client, messages);
    end(scene, &client);
}

pub(crate) fn large_messages_come_back(scene: &Scene) {
    let mut client = connect!(scene, "/");
    let text = "é漢🦀, ".repeat(LARGE / 11);
    come_back(scene, &mut client, [vec![7; LARGE].into(), text.into()]);
    end(scene, &client);
}

pub(crate) fn compressed_messages_come_back(scene: &Scene) {
    let mut client = connect!(scene, "/", deflate(Deflate::default()));
    let agreed: Vec<String> = client.handshake().extensions().collect();
    assert_eq!(agreed, [scene.server.agreed], "{scene}");
    let text = r#"{"name": "tide", "é": 漢}"#.repeat(LARGE / 100);
    let messages: [Message; 5] = [
        text.as_str().into(),
        text.as_str().into(),
        text.into_bytes().into(),
        "".into(),
        "short".into(),
    ];
    come_back(scene, &mut client, messages);
    let traffic = client.traffic();
    for (bytes, payload) in [
        (traffic.bytes_sent, traffic.payload_sent),
        (traffic.bytes_received, traffic.payload_received),
    ] {
        assert!(bytes * 10 < payload, "{scene}: {bytes} bytes for {payload}");
    }
    end(scene, &client);
}

pub(crate) fn fragments_are_one_message(scene: &Scene) {
    let mut client = connect!(scene, "/");
    client.send_in_pieces(["frag", "men", "ted é"]).expect("open");
    assert_eq!(
        client.recv().expect("open"),
        Some("fragmented é".into()),
        "{scene}"
    );
    let piece = "é".repeat(LARGE / 6);
    client.send_in_pieces([&piece, &piece, &piece]).expect("open");
    let answer = client.recv().expect("open");
    assert!(answer == Some(piece.repeat(3).into()), "{scene}: {answer:?}");
    if scene.server.can("pieces") {
        assert_eq!(client.ask("pieces"), "in pieces".into(), "{scene}");
    }
    end(scene, &client);
}

pub(crate) fn pings_are_answered(scene: &Scene) {
    let mut client = connect!(scene, "/");
    assert!(client.ping().expect("open") > Duration::ZERO, "{scene}");
    if scene.server.can("ping") {
        assert_eq!(client.ask("ping"), "answered".into(), "{scene}");
    }
    end(scene, &client);
}

pub(crate) fn closes_arrive_with_their_codes(scene: &Scene) {
    let client = connect!(scene, "/");
    client.close(4000, "bye").expect("a fine code");
    // It is the server's echo that says the code.
    let closed = client.wait_closed();
    assert_eq!(closed.code().as_u16(), 4000, "{scene}: {closed:?}");
    assert!(closed.is_clean(), "{scene}: {closed:?}");

    let mut client = connect!(scene, "/");
    client.send("close 4001 see you").expect("open");
    let Err(Error::Closed(closed)) = client.recv() else {
        panic!("{scene}: not closed")
    };
    assert_eq!(
        (closed.code().as_u16(), closed.reason()),
        (4001, "see you"),
        "{scene}"
    );
    assert!(closed.is_clean(), "{scene}: {closed:?}");
}

pub(crate) fn a_subprotocol_is_agreed_on(scene: &Scene) {
    let both = connect!(scene, "/", subprotocol("v1"), subprotocol("v2"));
    assert_eq!(both.subprotocol().as_deref(), Some("v2"), "{scene}");
    end(scene, &both);
    let one = connect!(scene, "/", subprotocol("v1"));
    assert_eq!(one.subprotocol(), None, "{scene}");
    end(scene, &one);
}

pub(crate) fn a_refusal_is_read(scene: &Scene) {
    let refused = connect_by!(scene.adapter, scene.url("", "/forbidden"), tls(scene.trust()));
    let error = refused.expect_err("a refusal");
    assert_eq!(error.status(), Some(403), "{scene}: {error:?}");
    let response = error.response().expect("a response");
    assert_eq!(response.content(), b"not here\n", "{scene}");
}

/// Asks the server for the values of fields.
fn see(scene: &Scene, mut client: Client, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(
            client.ask(format!("field {name}")),
            (*value).into(),
            "{scene}: {name}"
        );
    }
    end(scene, &client);
}

pub(crate) fn the_server_sees_what_the_request_says(scene: &Scene) {
    let client = connect!(
        scene,
        "/a%20b?c=d",
        field("X-Mine", "first"),
        origin("https://example.com"),
        user_agent("mine/1 (a test)"),
        cookie("a", "1"),
        cookie("b", "2"),
    );
    let fields = [
        ("Host", &*scene.authority()),
        ("X-Mine", "first"),
        ("Origin", "https://example.com"),
        ("User-Agent", "mine/1 (a test)"),
        ("Cookie", "a=1; b=2"),
        ("Authorization", ""),
    ];
    see(scene, client, &fields);
}

pub(crate) fn the_server_sees_who_it_is(scene: &Scene) {
    let basic = [("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")];
    see(
        scene,
        connect!(scene, "/", basic_auth("Aladdin", "open sesame")),
        &basic,
    );
    let by_url = connect_by!(
        scene.adapter,
        scene.url("Aladdin:open%20sesame@", "/"),
        tls(scene.trust())
    );
    see(scene, by_url.expect("a connection"), &basic);
    let bearer = [("Authorization", "Bearer abc.def")];
    see(scene, connect!(scene, "/", bearer_auth("abc.def")), &bearer);
}
