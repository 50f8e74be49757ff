use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use tidewire_tests::live::{Peer, bounded, request};
use tidewire_tests::reference::Sender;
use tidewire_tests::wire::Frame;
use tidewire_tokio::axum::{Refusal, Upgrade};
use tidewire_tokio::{RequestError, WebSocket};

use crate::support::{Http2, answer, start, stream};

#[derive(Clone)]
struct User(String);

/// Lets in who says a name.
async fn authenticate(mut request: Request, next: Next) -> Response {
    let name = request
        .headers()
        .get("x-name")
        .and_then(|name| name.to_str().ok());
    let Some(name) = name.map(str::to_owned) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    request.extensions_mut().insert(User(name));
    next.run(request).await
}

async fn greet(Extension(User(name)): Extension<User>, upgrade: Upgrade) -> Response {
    let handler = async move |mut ws: WebSocket| {
        ws.recv().await?;
        ws.send(format!("hello {name}")).await
    };
    upgrade.on_upgrade(handler).await
}

#[tokio::test]
async fn a_layer_in_front_refuses_and_tells_who_it_is() {
    bounded(async {
        let app = Router::new().route("/", any(greet)).layer(from_fn(authenticate));
        let address = start(app).await;
        let (head, _) = answer(address, &request("/", "")).await;
        assert!(head.starts_with("http/1.1 401 "), "{head}");
        let mut http = Http2::connect(address).await;
        let (response, _) = http.refused(http.extended_connect(&[])).await;
        assert_eq!(response.status(), 401);

        let mut peer = Peer::client_with(stream(address).await, "X-Name: ada\r\n").await;
        peer.send(&Frame::text("who am I")).await;
        assert_eq!(peer.next().await, (0x81, b"hello ada".to_vec()));
        let (response, stream) = http.send(http.extended_connect(&[("x-name", "bob")])).await;
        assert_eq!(response.status(), 200);
        let mut peer = Peer::raw(stream, Sender::Client);
        peer.send(&Frame::text("who am I")).await;
        assert_eq!(peer.next().await, (0x81, b"hello bob".to_vec()));
    })
    .await;
}

#[tokio::test]
async fn a_route_may_answer_others_with_a_page() {
    async fn route(upgrade: Result<Upgrade, Refusal>) -> Response {
        match upgrade {
            Ok(upgrade) => {
                upgrade
                    .on_upgrade(async |ws: WebSocket| ws.send("talk").await)
                    .await
            }
            Err(refusal) if *refusal.error() == RequestError::NotAnUpgrade => "a page".into_response(),
            Err(refusal) => refusal.into_response(),
        }
    }
    bounded(async {
        let inner = Router::new().route("/talk", any(route));
        let app = Router::new().nest("/api", inner).route("/", get(async || "root"));
        let address = start(app).await;
        let (_, body) = answer(address, "GET /api/talk HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(body, "a page");
        let (head, _) = answer(address, &request("/api/talk", "").replace("GET", "PUT")).await;
        assert!(head.starts_with("http/1.1 405 "), "{head}");
        let mut peer = Peer::raw(stream(address).await, Sender::Client);
        peer.send_bytes(request("/api/talk", "").as_bytes()).await;
        assert!(peer.head().await.starts_with("HTTP/1.1 101 "));
        assert_eq!(peer.next().await, (0x81, b"talk".to_vec()));
    })
    .await;
}
