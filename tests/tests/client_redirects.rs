//! Redirects, by either adapter: where they lead, what is said there, and which are refused.

use tidewire_tests::connect_by;
use tidewire_tests::live::{ADAPTERS, Adapter, Client, Scripted, bounded_now, consent};
use tidewire_tokio::{HandshakeError, RedirectError, ResponseError, UrlError};

const STATUSES: [u16; 6] = [300, 301, 302, 303, 307, 308];

/// A redirect with this status, to there.
fn redirect(status: u16, location: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 5\r\n\r\nthere")
        .into_bytes()
}

/// A server that redirects `/` there, and accepts at all other paths.
fn leading(status: u16, location: impl Into<String>) -> Scripted {
    let location = location.into();
    Scripted::new(move |head| {
        if head.starts_with("GET / ") {
            redirect(status, &location)
        } else {
            consent(head, "")
        }
    })
}

fn accepting() -> Scripted {
    Scripted::new(|head| consent(head, ""))
}

/// The request lines of heads.
fn lines(heads: &[String]) -> Vec<&str> {
    heads.iter().filter_map(|head| head.lines().next()).collect()
}

fn for_each_adapter(test: impl Fn(Adapter) + Send + 'static) {
    bounded_now(move || ADAPTERS.into_iter().for_each(test));
}

/// Connects with all that is a secret of the origin's, and with what is none.
fn connect(adapter: Adapter, url: &str) -> Result<Client, HandshakeError> {
    connect_by!(
        adapter,
        url,
        basic_auth("ada", "s3cret"),
        cookie("a", "s3cret"),
        field("Proxy-Authorization", "s3cret"),
        field("X-Mine", "mine"),
        host("front.example"),
        subprotocol("chat"),
    )
}

/// How many times a head says what the origin alone may know.
fn secrets(head: &str) -> usize {
    [
        "Authorization: Basic ",
        "Cookie: a=s3cret",
        "Proxy-Authorization: s3cret",
        "Host: front.example",
    ]
    .iter()
    .filter(|secret| head.contains(*secret))
    .count()
}

#[test]
fn every_status_that_redirects_is_followed_and_the_same_origin_told_all() {
    for_each_adapter(|adapter| {
        for status in STATUSES {
            for location in ["there?x=1", "/there?x=1", "there?x=1#fragment"] {
                let server = leading(status, location);
                connect(adapter, &server.url("/")).expect("a connection");
                let heads = server.heads();
                let expected = ["GET / HTTP/1.1", "GET /there?x=1 HTTP/1.1"];
                assert_eq!(lines(&heads), expected, "{adapter:?} {status} {location}");
                assert!(heads.iter().all(|head| secrets(head) == 4), "{heads:?}");
            }
        }
    });
}

#[test]
fn another_origin_is_told_no_secret() {
    for_each_adapter(|adapter| {
        let other = accepting();
        let first = leading(302, other.url("/there"));
        connect(adapter, &first.url("/")).expect("a connection");
        let (named, heads) = (first.heads(), other.heads());
        assert_eq!(named.iter().map(|head| secrets(head)).collect::<Vec<_>>(), [4]);
        let [head] = &heads[..] else { panic!("{heads:?}") };
        assert_eq!(secrets(head), 0, "{adapter:?}: {head}");
        assert!(!head.contains("s3cret"), "{head}");
        assert!(
            head.contains("X-Mine: mine\r\n") && head.contains("Sec-WebSocket-Protocol: chat\r\n"),
            "{head}"
        );
        assert!(head.contains(&format!("Host: {}\r\n", other.address())), "{head}");
    });
}

#[test]
fn who_was_led_away_and_back_tells_no_secret_either() {
    for_each_adapter(|adapter| {
        let (tell, told) = std::sync::mpsc::channel::<String>();
        let other = Scripted::new(move |_| redirect(302, &told.recv().expect("where to")));
        let first = leading(302, other.url("/"));
        tell.send(first.url("/back")).expect("a server");
        connect(adapter, &first.url("/")).expect("a connection");
        let counts: Vec<_> = first.heads().iter().map(|head| secrets(head)).collect();
        assert_eq!(counts, [4, 0], "{adapter:?}");
    });
}

#[test]
fn credentials_in_a_location_are_told_to_its_origin() {
    for_each_adapter(|adapter| {
        let other = accepting();
        let first = leading(302, other.url("/there").replace("ws://", "ws://a:b@"));
        connect(adapter, &first.url("/")).expect("a connection");
        let heads = other.heads();
        assert!(
            heads[0].contains("Authorization: Basic YTpi\r\n"),
            "{adapter:?}: {heads:?}"
        );
    });
}

#[test]
fn credentials_in_a_location_take_the_place_of_nothing_that_was_set() {
    for_each_adapter(|adapter| {
        let (tell, told) = std::sync::mpsc::channel::<String>();
        let server = Scripted::new(move |head| {
            if head.starts_with("GET / ") {
                redirect(302, &told.recv().expect("where to"))
            } else {
                consent(head, "")
            }
        });
        let there = server.url("/there").replace("ws://", "ws://a:b@");
        let shown = |result: Result<Client, HandshakeError>| {
            result.expect("a connection");
            let heads = server.heads();
            let lines = heads.iter().flat_map(|head| head.lines());
            let values = lines.filter_map(|line| line.strip_prefix("Authorization: "));
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        for _ in 0..3 {
            tell.send(there.clone()).expect("a server");
        }
        let field = connect_by!(adapter, server.url("/"), field("Authorization", "mine"));
        assert_eq!(shown(field), ["mine"; 2], "{adapter:?}");
        let token = connect_by!(adapter, server.url("/"), bearer_auth("mine"));
        assert_eq!(shown(token), ["Bearer mine"; 2], "{adapter:?}");
        let url = server.url("/").replace("ws://", "ws://c:d@");
        let expected = ["Basic Yzpk", "Basic YTpi"];
        assert_eq!(shown(connect_by!(adapter, url)), expected, "{adapter:?}");
    });
}

#[test]
fn a_loop_is_left_after_ten() {
    for_each_adapter(|adapter| {
        let server = leading(302, "/");
        let error = connect_by!(adapter, server.url("/")).expect_err("a loop");
        let expected = matches!(
            error,
            HandshakeError::Redirect(RedirectError::TooMany { limit: 10 })
        );
        assert!(expected, "{adapter:?}: {error:?}");
        assert_eq!(server.heads().len(), 11, "{adapter:?}");
        let error = connect_by!(adapter, server.url("/"), redirects(2)).expect_err("a loop");
        assert_eq!(error.to_string(), "redirected more often than 2 times");
        assert_eq!(server.heads().len(), 3, "{adapter:?}");
    });
}

#[test]
fn a_redirect_is_a_refusal_where_none_are_followed_or_it_leads_nowhere() {
    for_each_adapter(|adapter| {
        let refused = |result: Result<Client, HandshakeError>| match result {
            Err(HandshakeError::Response(ResponseError::Refused(response))) => {
                (response.status(), response.content().to_vec())
            }
            other => panic!("{adapter:?}: {other:?}"),
        };
        let server = leading(302, "/there");
        assert_eq!(
            refused(connect_by!(adapter, server.url("/"), redirects(0))),
            (302, b"there".to_vec())
        );
        for head in [
            "HTTP/1.1 302 Found",
            "HTTP/1.1 304 Not Modified\r\nLocation: /there",
        ] {
            let server = Scripted::new(move |_| format!("{head}\r\nContent-Length: 0\r\n\r\n").into_bytes());
            let (status, _) = refused(connect_by!(adapter, server.url("/")));
            assert!(head.contains(&status.to_string()), "{adapter:?} {head}");
        }
    });
}

/// Where a redirect leads, and what is wrong with it.
type Row = (&'static str, fn(&UrlError) -> bool);

#[test]
fn a_redirect_to_where_nobody_is_led_is_refused() {
    let table: [Row; 5] = [
        ("http://localhost/", |e| matches!(e, UrlError::Scheme { .. })),
        ("file:///etc/passwd", |e| matches!(e, UrlError::Scheme { .. })),
        ("ws://", |e| matches!(e, UrlError::Syntax(_))),
        ("ws://local host/", |e| matches!(e, UrlError::Character)),
        ("ws://localhost/\u{e4}\u{7f}", |e| {
            matches!(e, UrlError::Character)
        }),
    ];
    for_each_adapter(move |adapter| {
        for (location, is_expected) in table {
            let server = leading(302, location);
            let error = connect_by!(adapter, server.url("/")).expect_err("a refusal");
            let expected = match &error {
                HandshakeError::Redirect(RedirectError::Url(error)) => is_expected(error),
                // The head itself is refused: a control character stands in it.
                HandshakeError::Response(ResponseError::Malformed(_)) => location.contains('\u{7f}'),
                _ => false,
            };
            assert!(expected, "{adapter:?} {location}: {error:?}");
        }
    });
}
