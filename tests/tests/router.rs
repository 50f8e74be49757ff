//! Where a router leads whom: the same in both adapters.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidewire_tests::live::{Running, exchange, upgrade};
use tidewire_tokio::{
    Answer, BasicAuth, Credentials, Handshake, InvalidRoute, Origins, Response, ServerPolicy,
};

/// `ada:right`.
const ADA: &str = "Authorization: Basic YWRhOnJpZ2h0\r\n";

/// A type of the application's, whose reader panics over black.
#[derive(Debug)]
enum Colour {
    Red,
    Blue,
}

impl FromStr for Colour {
    type Err = ();

    fn from_str(colour: &str) -> Result<Self, ()> {
        match colour {
            "red" => Ok(Self::Red),
            "blue" => Ok(Self::Blue),
            "black" => panic!("no colour"),
            _ => Err(()),
        }
    }
}

/// Can be read every other time.
struct Fickle;

impl FromStr for Fickle {
    type Err = ();

    fn from_str(_: &str) -> Result<Self, ()> {
        static READ: AtomicUsize = AtomicUsize::new(0);
        let is_even = READ.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        is_even.then_some(Self).ok_or(())
    }
}

/// What a handler tells of where it is: its name, its parameters, and the request as it came.
fn tell(name: &str, handshake: &Handshake) -> String {
    let request = handshake.request().expect("a server's");
    let user = handshake.user().unwrap_or("-");
    format!("{name} {} {} {user}", request.method(), request.target())
}

fn on_tokio(policy: ServerPolicy) -> Running {
    use tidewire_tokio::{Router, WebSocket};

    async fn stay(mut ws: WebSocket, text: String) -> Result<(), tidewire_tokio::Error> {
        ws.send(text).await?;
        ws.recv().await.map(drop)
    }

    let router = || -> Result<Router, InvalidRoute> {
        Router::new()
            .route("/", async |ws: WebSocket, ()| {
                let text = tell("root", &ws.handshake());
                stay(ws, text).await
            })?
            .route("/rooms/{room}", async |ws: WebSocket, room: String| {
                let text = tell(&room, &ws.handshake());
                stay(ws, text).await
            })?
            .route(
                "/rooms/{room}/seats/{seat}",
                async |ws: WebSocket, (room, seat): (String, u32)| stay(ws, format!("{room} {seat}")).await,
            )?
            .route(
                "/colours/{colour}",
                async |ws: WebSocket, (colour,): (Colour,)| stay(ws, format!("{colour:?}")).await,
            )?
            .route("/fickle/{it}", async |ws: WebSocket, (_,): (Fickle,)| {
                stay(ws, "read".into()).await
            })?
            .route("/lost", async |_: WebSocket, ()| {
                Err::<(), _>(io::Error::other("lost"))
            })?
            .route("/empty", async |_: WebSocket, ()| Ok::<(), Infallible>(()))
    };
    Running::on_tokio(move |listener| router().expect("routes").serve(listener).policy(policy))
}

fn on_threads(policy: ServerPolicy) -> Running {
    use tidewire_blocking::{Router, WebSocket};

    fn stay(mut ws: WebSocket, text: String) -> Result<(), tidewire_blocking::Error> {
        ws.send(text)?;
        ws.recv().map(drop)
    }

    let router = || -> Result<Router, InvalidRoute> {
        Router::new()
            .route("/", |ws, ()| {
                let text = tell("root", &ws.handshake());
                stay(ws, text)
            })?
            .route("/rooms/{room}", |ws, room: String| {
                let text = tell(&room, &ws.handshake());
                stay(ws, text)
            })?
            .route("/rooms/{room}/seats/{seat}", |ws, (room, seat): (String, u32)| {
                stay(ws, format!("{room} {seat}"))
            })?
            .route("/colours/{colour}", |ws, (colour,): (Colour,)| {
                stay(ws, format!("{colour:?}"))
            })?
            .route("/fickle/{it}", |ws, (_,): (Fickle,)| stay(ws, "read".into()))?
            .route("/lost", |_, ()| Err(io::Error::other("lost")))?
            .route("/empty", |_, ()| Ok::<(), Infallible>(()))
    };
    Running::on_threads(|listener| router().expect("routes").serve(listener).policy(policy))
}

/// Runs a test against a server of each adapter.
fn on_both(policy: &ServerPolicy, test: impl Fn(SocketAddr)) {
    for server in [on_tokio(policy.clone()), on_threads(policy.clone())] {
        test(server.address());
    }
}

#[test]
fn a_path_leads_to_its_handler_which_gets_the_parameters() {
    on_both(&ServerPolicy::default(), |address| {
        for (path, told) in [
            ("/", "root GET / -"),
            ("/?token=7", "root GET /?token=7 -"),
            ("/rooms/blue", "blue GET /rooms/blue -"),
            ("/rooms/a%2Fb?c%20d", "a/b GET /rooms/a%2Fb?c%20d -"),
            ("/rooms/blue/seats/7?more", "blue 7"),
            ("/rooms/caf%C3%A9/seats/4294967295", "café 4294967295"),
            ("/colours/red", "Red"),
            ("/colours/%62lue", "Blue"),
        ] {
            assert_eq!(upgrade(address, path, "").told(), told, "{path}");
        }
    });
}

#[test]
fn a_path_that_leads_nowhere_is_404() {
    on_both(&ServerPolicy::default(), |address| {
        for path in [
            "/room",
            "/rooms",
            "/rooms/",
            "/rooms/blue/",
            "/rooms/blue/seats/first",
            "/rooms/blue/seats/4294967296",
            "/rooms/%FF",
            "/colours/green",
        ] {
            let refused = upgrade(address, path, "");
            let said = (refused.status(), &refused.rest[..]);
            assert_eq!(said, ("404", &b"no such path\n"[..]), "{path}");
        }
    });
}

#[test]
fn a_request_for_no_upgrade_is_told_of_the_path_first() {
    on_both(&ServerPolicy::default(), |address| {
        for (line, status) in [
            ("GET /rooms/blue", "426"),
            ("HEAD /rooms/blue", "426"),
            ("GET /room", "404"),
            ("POST /rooms/blue/seats/first", "404"),
            ("GET /é/blue", "404"),
            ("GET http://a/rooms/blue", "426"),
            ("GET http://a/room", "404"),
        ] {
            let request = format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(exchange(address, &request).status(), status, "{line}");
        }
    });
}

#[test]
fn who_is_not_let_in_learns_nothing_of_the_paths() {
    let policy = ServerPolicy::default()
        .on_request(|request| match request.path() {
            "/health" => Some(Response::new(200).ok()?.body("ok\n")),
            _ => None,
        })
        .basic_auth(BasicAuth::fixed("chat", [("ada", "right")]).expect("a realm"))
        .origins(Origins::new(["https://example.com"]).expect("origins"));
    on_both(&policy, |address| {
        let origin = "Origin: https://example.org\r\n";
        for (path, lines, status) in [
            ("/health", String::new(), "200"),
            ("/", String::new(), "401"),
            ("/nowhere", String::new(), "401"),
            ("/nowhere", format!("{ADA}{origin}"), "404"),
            ("/", format!("{ADA}{origin}"), "403"),
        ] {
            assert_eq!(upgrade(address, path, &lines).status(), status, "{path} {lines}");
        }
        let lines = format!("{ADA}Origin: https://example.com\r\n");
        assert_eq!(upgrade(address, "/", &lines).told(), "root GET / ada");
    });
}

#[test]
fn the_404_may_be_changed_as_every_answer() {
    let policy = ServerPolicy::default()
        .field("Server", "chat/2.1")
        .expect("a field")
        .on_answer(|request, answer| match (request.path(), answer) {
            ("/old", Answer::Respond(response)) if response.status() == 404 => {
                Answer::Respond(Response::new(410).expect("a status"))
            }
            (_, answer) => answer,
        });
    on_both(&policy, |address| {
        for (path, status) in [("/old", "410"), ("/nowhere", "404")] {
            let refused = upgrade(address, path, "");
            assert_eq!(
                (refused.status(), refused.all("server")),
                (status, vec!["chat/2.1"])
            );
        }
    });
}

#[test]
fn each_handler_ends_its_connection_whatever_it_fails_with() {
    on_both(&ServerPolicy::default(), |address| {
        for (path, code) in [("/lost", 1011_u16), ("/fickle/it", 1011), ("/empty", 1000)] {
            // A Close frame of a server: opcode 8, unmasked, its code in front.
            let rest = upgrade(address, path, "").rest;
            assert_eq!(
                (rest.first(), rest.get(2..4)),
                (Some(&0x88), Some(&code.to_be_bytes()[..])),
                "{path}"
            );
        }
    });
}

#[test]
fn a_parameter_whose_type_panics_is_500() {
    on_both(&ServerPolicy::default(), |address| {
        assert_eq!(upgrade(address, "/colours/black", "").status(), "500");
        assert_eq!(upgrade(address, "/colours/blue", "").told(), "Blue");
    });
}

#[test]
fn a_route_that_is_in_doubt_is_refused_when_it_is_added() {
    let errors = |route: &str| {
        let on_tokio = tidewire_tokio::Router::new()
            .route("/rooms/{room}", async |_, _: String| Ok::<(), Infallible>(()))
            .and_then(|router| router.route(route, async |_, _: String| Ok::<(), Infallible>(())));
        let on_threads = tidewire_blocking::Router::new()
            .route("/rooms/{room}", |_, _: String| Ok::<(), Infallible>(()))
            .and_then(|router| router.route(route, |_, _: String| Ok::<(), Infallible>(())));
        [on_tokio.map(drop), on_threads.map(drop)]
    };
    for (route, expected) in [
        (
            "/rooms/{name}",
            InvalidRoute::Conflict {
                route: "/rooms/{name}".into(),
                with: "/rooms/{room}".into(),
            },
        ),
        (
            "/rooms/{room}/seats/{seat}",
            InvalidRoute::Parameters {
                route: "/rooms/{room}/seats/{seat}".into(),
                parameters: 2,
                taken: 1,
            },
        ),
    ] {
        for error in errors(route) {
            assert_eq!(error, Err(expected.clone()));
        }
    }
    for error in errors("lobby/{name}") {
        assert!(matches!(error, Err(InvalidRoute::Template { .. })), "{error:?}");
    }
}

#[test]
fn credentials_that_took_their_time_come_before_the_path_too() {
    let server = Running::on_tokio(|listener| {
        tidewire_tokio::Router::new()
            .route("/", async |ws: tidewire_tokio::WebSocket, ()| {
                ws.send(tell("root", &ws.handshake())).await
            })
            .expect("a route")
            .serve(listener)
            .basic_auth("chat", async |who: Credentials| {
                tokio::task::yield_now().await;
                who.user() == "ada"
            })
            .expect("a realm")
    });
    for (path, lines, status) in [
        ("/nowhere", "", "401"),
        ("/nowhere", ADA, "404"),
        ("/", "", "401"),
    ] {
        let answered = upgrade(server.address(), path, lines);
        assert_eq!(answered.status(), status, "{path} {lines}");
    }
    assert_eq!(upgrade(server.address(), "/", ADA).told(), "root GET / ada");
}
