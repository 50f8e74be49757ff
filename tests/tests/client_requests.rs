//! What a client's request says, by either adapter, and what is never said.

use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Adapter, Scripted, bounded_now, consent};
use tidewire_tokio::{Config, HandshakeError, InvalidField, UrlError};

/// The values of a field of a head, in order.
fn values<'h>(head: &'h str, name: &str) -> Vec<&'h str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields
        .filter(|(have, _)| have.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

/// Runs a test with each adapter and a server that accepts everybody.
fn with_each(test: impl Fn(Adapter, &Scripted) + Send + 'static) {
    bounded_now(move || {
        for adapter in ADAPTERS {
            test(adapter, &Scripted::new(|head| consent(head, "")));
        }
    });
}

#[test]
fn all_that_was_set_is_sent_once() {
    with_each(|adapter, server| {
        let ws = connect_by!(
            adapter,
            server.url("/a?b"),
            field("X-One", "1"),
            field("X-One", "2"),
            origin("https://example.com"),
            user_agent("mine/1 (a test)"),
            host("elsewhere.example:81"),
            cookie("a", "1"),
            cookie("b", "2"),
            bearer_auth("abc.def~-_+/=="),
        );
        ws.expect("a connection");
        let heads = server.heads();
        let [head] = &heads[..] else {
            panic!("{adapter:?}: {heads:?}");
        };
        assert!(
            head.starts_with("GET /a?b HTTP/1.1\r\nHost: elsewhere.example:81\r\n"),
            "{head}"
        );
        for (name, expected) in [
            ("x-one", &["1", "2"][..]),
            ("origin", &["https://example.com"]),
            ("user-agent", &["mine/1 (a test)"]),
            ("cookie", &["a=1; b=2"]),
            ("authorization", &["Bearer abc.def~-_+/=="]),
        ] {
            assert_eq!(values(head, name), expected, "{adapter:?} {name}");
        }
    });
}

#[test]
fn little_is_said_where_nothing_was_set() {
    with_each(|adapter, server| {
        connect_by!(adapter, server.url("/")).expect("a connection");
        connect_by!(adapter, server.url("/"), no_user_agent()).expect("a connection");
        connect_by!(adapter, server.url("/"), field("user-agent", "x")).expect("a connection");
        let heads = server.heads();
        let agents: Vec<_> = heads.iter().map(|head| values(head, "user-agent")).collect();
        let usual = concat!("tidewire/", env!("CARGO_PKG_VERSION"));
        assert_eq!(agents, [&[usual][..], &[], &["x"]], "{adapter:?}");
        for name in ["origin", "cookie", "authorization", "sec-websocket-extensions"] {
            assert!(values(&heads[0], name).is_empty(), "{adapter:?} {name}");
        }
        let host = server.address().to_string();
        assert_eq!(values(&heads[0], "host"), [host], "{adapter:?}");
    });
}

#[test]
fn credentials_of_the_url_become_a_field_and_what_was_set_comes_first() {
    with_each(|adapter, server| {
        let url = server.url("/").replace("ws://", "ws://Aladdin:open%20sesame@");
        connect_by!(adapter, &url).expect("a connection");
        connect_by!(adapter, &url, basic_auth("a", "b")).expect("a connection");
        connect_by!(adapter, &url, field("Authorization", "mine")).expect("a connection");
        let heads = server.heads();
        let shown: Vec<_> = heads.iter().map(|head| values(head, "authorization")).collect();
        let expected = [
            &["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="][..],
            &["Basic YTpi"],
            &["mine"],
        ];
        assert_eq!(shown, expected, "{adapter:?}");
        for head in heads {
            assert!(!head.contains("sesame") && !head.contains('@'), "{head}");
        }
    });
}

#[test]
fn what_could_add_a_line_is_refused_before_anything_is_sent() {
    with_each(|adapter, server| {
        let url = &server.url("/");
        macro_rules! refused {
            ($($setter:ident($($argument:expr),*)),* => $error:pat) => {
                let error = connect_by!(adapter, url, $($setter($($argument),*)),*).expect_err("a refusal");
                assert!(matches!(error, HandshakeError::Field($error)), "{adapter:?}: {error:?}");
                assert!(!error.to_string().contains("s3cret"), "{error}");
            };
        }
        refused!(field("X", "a\r\nY: b") => InvalidField::Value { byte: b'\r', .. });
        refused!(field("X Y", "a") => InvalidField::Name { byte: Some(b' ') });
        refused!(field("Host", "a") => InvalidField::Reserved { .. });
        refused!(field("Sec-WebSocket-Key", "a") => InvalidField::Reserved { .. });
        refused!(origin("https://a b") => InvalidField::Origin { byte: Some(b' ') });
        refused!(user_agent("a\nb") => InvalidField::Value { byte: b'\n', .. });
        refused!(host("a/b") => InvalidField::Host { byte: Some(b'/') });
        refused!(host("a b") => InvalidField::Host { byte: Some(b' ') });
        refused!(cookie("a", "s3cret; b=c") => InvalidField::Cookie { byte: Some(b';') });
        refused!(cookie("a", "s3cret\0") => InvalidField::Cookie { byte: Some(0) });
        refused!(cookie("a", "b"), field("Cookie", "c=d") => InvalidField::Reserved { .. });
        refused!(origin("a"), field("Origin", "b") => InvalidField::Reserved { .. });
        refused!(basic_auth("a:b", "s3cret") => InvalidField::Credentials { byte: b':' });
        refused!(basic_auth("a", "s3cret\n") => InvalidField::Credentials { byte: b'\n' });
        refused!(bearer_auth("s3cret s3cret") => InvalidField::BearerToken { byte: Some(b' ') });
        refused!(bearer_auth("") => InvalidField::BearerToken { byte: None });
        refused!(subprotocol("a b") => InvalidField::Subprotocol { byte: Some(b' ') });
        refused!(subprotocol("a"), subprotocol("a") => InvalidField::DuplicateSubprotocol);
        assert_eq!(server.heads(), [""; 0], "{adapter:?}");
    });
}

/// A URL and what is wrong with it.
type Row = (&'static str, fn(&UrlError) -> bool);

#[test]
fn a_url_that_cannot_be_is_refused_with_the_rule() {
    let table: [Row; 8] = [
        ("", |e| matches!(e, UrlError::NoScheme)),
        ("ws://", |e| matches!(e, UrlError::Syntax(_))),
        ("localhost:9001", |e| matches!(e, UrlError::Scheme { .. })),
        ("http://localhost/", |e| matches!(e, UrlError::Scheme { .. })),
        ("ws://localhost/#top", |e| matches!(e, UrlError::Fragment)),
        ("ws://m%0ae:s3cret@localhost/", |e| {
            matches!(e, UrlError::Credentials(_))
        }),
        ("ws://localhost/\r\nX: y", |e| matches!(e, UrlError::Character)),
        ("ws://local host/", |e| matches!(e, UrlError::Character)),
    ];
    bounded_now(move || {
        for (adapter, (url, is_expected)) in ADAPTERS.into_iter().flat_map(|a| table.map(|row| (a, row))) {
            let error = connect_by!(adapter, url).expect_err("a refusal");
            let is_right = matches!(&error, HandshakeError::Url(error) if is_expected(error));
            assert!(is_right, "{adapter:?} {url}: {error:?}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    });
}

#[test]
fn settings_show_no_secret() {
    let tokio = tidewire_tokio::connect("ws://ada:s3cret@localhost/?token=s3cret")
        .config(Config::default())
        .basic_auth("ada", "s3cret")
        .cookie("a", "s3cret")
        .field("Authorization", "s3cret");
    let blocking =
        tidewire_blocking::connect("ws://ada:s3cret@localhost/?token=s3cret").bearer_auth("s3cret");
    for shown in [format!("{tokio:?}"), format!("{blocking:?}")] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    assert!(tokio.check().is_ok() && blocking.check().is_ok());
}
