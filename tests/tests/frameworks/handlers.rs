//! What `serve` promises a handler holds here, over either version.

use std::future::pending;
use std::time::Duration;

use tidewire_tests::live::{Peer, bounded, echo};
use tidewire_tests::wire::Frame;
use tidewire_tokio::{Accept, Config, Error, Keepalive, SendError, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::support::{Http2, client, start_with};

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

/// A client over HTTP/1.1 and one over HTTP/2.
async fn clients<H, Fut>(accept: Accept, handler: H) -> [Peer<Box<dyn Duplex>>; 2]
where
    H: Fn(WebSocket) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Error>> + Send + 'static,
{
    let address = start_with(accept, handler).await;
    let one = client(address).await.map(|stream| Box::new(stream) as _);
    let two = Http2::connect(address).await.open().await;
    [one, two.map(|stream| Box::new(stream) as _)]
}

fn is_close(frame: &(u8, Vec<u8>), code: u16) -> bool {
    frame.0 == 0x88 && frame.1.starts_with(&code.to_be_bytes())
}

#[tokio::test]
async fn one_that_returns_closes_with_1000() {
    bounded(async {
        for mut peer in clients(Accept::new(), async |_ws: WebSocket| Ok(())).await {
            assert!(is_close(&peer.next().await, 1000));
        }
    })
    .await;
}

#[tokio::test]
async fn one_that_fails_closes_with_1011() {
    bounded(async {
        let handler = async |_ws: WebSocket| Err(Error::Send(SendError::Closed));
        for mut peer in clients(Accept::new(), handler).await {
            assert!(is_close(&peer.next().await, 1011));
        }
    })
    .await;
}

#[tokio::test]
async fn one_that_panics_closes_with_1011() {
    async fn panics(mut ws: WebSocket) -> Result<(), Error> {
        let message = ws.recv().await?;
        panic!("the handler panics on purpose: {message:?}");
    }
    bounded(async {
        for mut peer in clients(Accept::new(), panics).await {
            peer.send(&Frame::text("now")).await;
            assert!(is_close(&peer.next().await, 1011));
        }
    })
    .await;
}

#[tokio::test]
async fn one_that_is_busy_has_its_pings_answered_and_sent() {
    let keepalive = Keepalive {
        interval: Duration::from_millis(20),
        timeout: Some(Duration::from_secs(20)),
    };
    let config = Config::builder().keepalive(keepalive).build();
    let accept = Accept::new().config(config.expect("no contradiction"));
    bounded(async {
        let busy = async |_ws: WebSocket| pending().await;
        for mut peer in clients(accept, busy).await {
            peer.send(&Frame::ping("are you there")).await;
            let (mut answered, mut asked) = (false, false);
            while !(answered && asked) {
                match peer.next().await {
                    (0x8a, payload) => answered |= payload == b"are you there",
                    (first, _) => asked |= first == 0x89,
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn one_whose_peer_does_not_answer_loses_it() {
    let keepalive = Keepalive {
        interval: Duration::from_millis(20),
        timeout: Some(Duration::from_millis(10)),
    };
    let config = Config::builder().keepalive(keepalive).build();
    let accept = Accept::new().config(config.expect("no contradiction"));
    bounded(async {
        for mut peer in clients(accept, |ws: WebSocket| echo(ws)).await {
            assert_eq!(peer.next().await.0, 0x89);
            assert!(is_close(&peer.next().await, 1011));
        }
    })
    .await;
}

#[tokio::test]
async fn one_gets_no_message_beyond_the_limit() {
    let config = Config::builder().max_message_size(5).build();
    let accept = Accept::new().config(config.expect("no contradiction"));
    bounded(async {
        for mut peer in clients(accept, |ws: WebSocket| echo(ws)).await {
            peer.send(&Frame::text("short")).await;
            assert_eq!(peer.next().await, (0x81, b"short".to_vec()));
            peer.send(&Frame::text("longer")).await;
            assert!(is_close(&peer.next().await, 1009));
        }
    })
    .await;
}
