//! Who is let in by a server, and on which terms: the same in both adapters.

use std::net::SocketAddr;

use tidewire_tests::live::{Running, exchange, request, upgrade};
use tidewire_tokio::{
    Answer, BasicAuth, Credentials, HttpVersion, Origins, Request, Response, ServerPolicy, TrustedProxies,
};

/// Runs a test against a server of each adapter.
fn on_both(policy: &ServerPolicy, test: impl Fn(SocketAddr)) {
    for server in [on_tokio(policy.clone()), on_threads(policy.clone())] {
        test(server.address());
    }
}

fn tell(user: Option<&str>, subprotocol: Option<&str>) -> String {
    format!("{} {}", user.unwrap_or("-"), subprotocol.unwrap_or("-"))
}

fn on_tokio(policy: ServerPolicy) -> Running {
    Running::on_tokio(|listener| {
        let server = tidewire_tokio::Server::new(listener, async |mut ws: tidewire_tokio::WebSocket| {
            let handshake = ws.handshake();
            ws.send(tell(handshake.user(), handshake.subprotocol())).await?;
            ws.recv().await.map(drop)
        });
        server.policy(policy)
    })
}

fn on_threads(policy: ServerPolicy) -> Running {
    Running::on_threads(|listener| {
        let server = tidewire_blocking::Server::new(listener, |mut ws: tidewire_blocking::WebSocket| {
            let handshake = ws.handshake();
            ws.send(tell(handshake.user(), handshake.subprotocol()))?;
            ws.recv().map(drop)
        });
        server.policy(policy)
    })
}

#[test]
fn a_request_says_which_version_of_http_it_came_with() {
    let policy = ServerPolicy::default()
        .on_request(|request| (request.version() != HttpVersion::Http11).then(Response::internal_error));
    on_both(&policy, |address| {
        assert_eq!(upgrade(address, "/", "").status(), "101");
    });
}

#[test]
fn pages_of_other_origins_are_refused() {
    let origins = Origins::new(["https://example.com", "https://*.example.com"]).expect("origins");
    let page = |origin: &str| format!("Origin: {origin}\r\n");
    on_both(&ServerPolicy::default().origins(origins.clone()), |address| {
        assert_eq!(
            upgrade(address, "/", &page("https://example.com")).status(),
            "101"
        );
        assert_eq!(
            upgrade(address, "/", &page("https://chat.example.com")).status(),
            "101"
        );
        let refused = upgrade(address, "/", &page("https://example.org"));
        assert_eq!(
            (refused.status(), &refused.rest[..]),
            ("403", &b"origin is not allowed\n"[..])
        );
        let two = page("https://example.com").repeat(2);
        for lines in ["", &page("null"), &page("https://example.com.evil.org"), &two] {
            assert_eq!(upgrade(address, "/", lines).status(), "403", "{lines:?}");
        }
    });
    on_both(&ServerPolicy::default().origins(origins.or_none()), |address| {
        assert_eq!(upgrade(address, "/", "").status(), "101");
        assert_eq!(upgrade(address, "/", &page("null")).status(), "403");
    });
}

#[test]
fn users_are_let_in_by_their_passwords_and_known_by_their_names() {
    let policy = ServerPolicy::default()
        .basic_auth(BasicAuth::fixed("chat", [("ada", "correct horse"), ("bob", "")]).expect("a realm"))
        .on_request(|request| {
            (request.path() == "/health")
                .then(|| Response::new(200).ok())
                .flatten()
        });
    on_both(&policy, |address| {
        let as_user = |encoded: &str| upgrade(address, "/", &format!("Authorization: Basic {encoded}\r\n"));
        assert_eq!(as_user("YWRhOmNvcnJlY3QgaG9yc2U=").told(), "ada -");
        assert_eq!(as_user("Ym9iOg==").told(), "bob -");
        for wrong in ["YWRhOndyb25n", "Ym9iOmNvcnJlY3QgaG9yc2U=", "?"] {
            assert_eq!(as_user(wrong).status(), "401", "{wrong}");
        }
        let refused = upgrade(address, "/", "");
        assert_eq!(refused.status(), "401");
        assert_eq!(
            refused.all("WWW-Authenticate"),
            ["Basic realm=\"chat\", charset=\"UTF-8\""]
        );
        assert_eq!(upgrade(address, "/health", "").status(), "200");
    });
}

#[test]
fn who_a_user_is_may_be_for_the_application_to_judge() {
    let is_right = |who: &Credentials| who.password() == who.user().chars().rev().collect::<String>();
    let policy = ServerPolicy::default().basic_auth(BasicAuth::new("chat", is_right).expect("a realm"));
    on_both(&policy, |address| {
        // adb:bda, adb:adb
        assert_eq!(
            upgrade(address, "/", "Authorization: Basic YWRiOmJkYQ==\r\n").told(),
            "adb -"
        );
        assert_eq!(
            upgrade(address, "/", "Authorization: Basic YWRiOmFkYg==\r\n").status(),
            "401"
        );
    });
}

#[test]
fn a_path_that_is_guarded_is_guarded_in_a_url_too() {
    let policy = ServerPolicy::default().on_request(|request| {
        let is_guarded = request.path().starts_with("/admin");
        is_guarded.then(|| Response::new(403).ok()).flatten()
    });
    on_both(&policy, |address| {
        for (target, status) in [
            ("/admin/a", "403"),
            ("http://localhost/admin/a", "403"),
            ("ws://localhost:80/admin?a", "403"),
            ("http://localhost/chat", "101"),
        ] {
            assert_eq!(upgrade(address, target, "").status(), status, "{target}");
        }
    });
}

#[test]
fn every_answer_has_the_fields_that_were_set() {
    let policy = ServerPolicy::default()
        .on_request(|request| match request.path() {
            "/own" => Response::new(200).ok()?.field("Server", "its own").ok(),
            _ => None,
        })
        .on_answer(|request, answer| match request.path() {
            "/full" => Answer::Respond(Response::new(503).expect("a status")),
            _ => answer,
        })
        .field("Server", "chat/2.1")
        .and_then(|policy| policy.field("X-Frame-Options", "DENY"))
        .expect("fields");
    on_both(&policy, |address| {
        let answers = [
            ("101", upgrade(address, "/", "")),
            ("503", upgrade(address, "/full", "")),
            ("426", exchange(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
            ("400", exchange(address, "nonsense\r\n\r\n")),
        ];
        for (status, answer) in answers {
            assert_eq!(answer.status(), status);
            assert_eq!(answer.all("server"), ["chat/2.1"], "{status}");
            assert_eq!(answer.all("x-frame-options"), ["DENY"], "{status}");
        }
        assert_eq!(upgrade(address, "/own", "").all("server"), ["its own"]);
    });
}

#[test]
fn an_answer_may_be_changed_and_a_refusal_not_made_an_upgrade() {
    let policy =
        ServerPolicy::default().on_answer(|request: &Request, answer| match (request.path(), answer) {
            ("/cookie", Answer::Accept(mut fields)) => {
                fields.push("Set-Cookie", "session=7").expect("a field");
                Answer::Accept(fields)
            }
            ("/forged", Answer::Accept(mut fields)) => {
                fields
                    .push("Sec-WebSocket-Protocol", "none that was offered")
                    .expect("a field");
                Answer::Accept(fields)
            }
            ("/full", _) => Answer::Respond(Response::new(503).expect("a status").body("later\n")),
            ("/anyone", Answer::Respond(_)) => Answer::Accept(tidewire_tokio::Fields::new()),
            (_, answer) => answer,
        });
    on_both(&policy, |address| {
        let accepted = upgrade(address, "/cookie", "");
        assert_eq!(
            (accepted.status(), accepted.all("set-cookie")),
            ("101", vec!["session=7"])
        );
        let full = upgrade(address, "/full", "");
        assert_eq!((full.status(), &full.rest[..]), ("503", &b"later\n"[..]));
        assert_eq!(upgrade(address, "/forged", "").status(), "500");
        assert_eq!(
            exchange(address, "GET /anyone HTTP/1.1\r\nHost: a\r\n\r\n").status(),
            "500"
        );
        assert_eq!(upgrade(address, "/", "").status(), "101");
    });
}

#[test]
fn a_subprotocol_may_be_chosen_by_the_application() {
    let policy = ServerPolicy::default().choose_subprotocol(|request, offered| match request.path() {
        "/last" => Ok(offered.last().map(ToString::to_string)),
        "/none" => Ok(None),
        "/invented" => Ok(Some("mine".into())),
        _ => Err(Response::new(400).expect("a status").body("which one?\n")),
    });
    on_both(&policy, |address| {
        let lines = "Sec-WebSocket-Protocol: a, b\r\n";
        let last = upgrade(address, "/last", lines);
        assert_eq!(
            (last.all("sec-websocket-protocol"), last.told()),
            (vec!["b"], "- b")
        );
        assert_eq!(upgrade(address, "/last", "").told(), "- -");
        assert_eq!(upgrade(address, "/none", lines).told(), "- -");
        assert_eq!(upgrade(address, "/invented", lines).status(), "500");
        let refused = upgrade(address, "/", lines);
        assert_eq!(
            (refused.status(), &refused.rest[..]),
            ("400", &b"which one?\n"[..])
        );
    });
}

#[test]
fn what_may_not_stand_in_an_answer_is_refused_when_it_is_set() {
    for (name, value) in [
        ("Upgrade", "h2c"),
        ("Sec-WebSocket-Accept", "x"),
        ("Content-Length", "1"),
        ("X", "a\r\nb: c"),
        ("X Y", "z"),
    ] {
        assert!(
            ServerPolicy::default().field(name, value).is_err(),
            "{name}: {value:?}"
        );
    }
    assert!(ServerPolicy::default().subprotocols(["a b"]).is_err());
}

#[test]
fn an_application_finds_the_client_behind_its_proxies() {
    let proxies = TrustedProxies::new(["127.0.0.0/8", "10.0.0.0/8"]).expect("networks");
    let policy = ServerPolicy::default().on_request(move |request| {
        let client = proxies.client_addr([127, 0, 0, 1].into(), request);
        Some(Response::new(200).ok()?.body(client.to_string()))
    });
    on_both(&policy, |address| {
        for (lines, client) in [
            ("", "127.0.0.1"),
            ("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
            (
                "X-Forwarded-For: 127.0.0.1, [2001:db8::1]:80\r\nX-Forwarded-For: 10.0.0.1\r\n",
                "2001:db8::1",
            ),
        ] {
            assert_eq!(upgrade(address, "/", lines).rest, client.as_bytes(), "{lines:?}");
        }
    });
}

#[test]
fn a_proxy_header_that_is_not_expected_is_a_bad_request() {
    on_both(&ServerPolicy::default(), |address| {
        for header in [
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
            "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n",
            "PROXY UNKNOWN\r\n",
            // Version 2, from 49.46.49.46:12334.
            "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c1.1.2.2.0.0.",
            "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
        ] {
            let answered = exchange(address, &format!("{header}{}", request("/", "")));
            assert_eq!(answered.status(), "400", "{header:?}");
        }
    });
}
