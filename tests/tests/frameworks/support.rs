use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::routing::any;
use bytes::{Buf as _, Bytes};
use h2::client::SendRequest;
use h2::ext::Protocol;
use h2::{Reason, RecvStream, SendStream};
use http::{Method, Request, Response, Version};
use tidewire_tests::live::Peer;
use tidewire_tests::reference::Sender;
use tidewire_tokio::axum::Upgrade;
use tidewire_tokio::{Accept, Error, WebSocket};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Serves an application on a free port, for as long as the test's runtime lives.
pub(crate) async fn start(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Serves this handler at `/`, on these terms.
pub(crate) async fn start_with<H, Fut>(accept: Accept, handler: H) -> SocketAddr
where
    H: Fn(WebSocket) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Error>> + Send + 'static,
{
    let route = async move |upgrade: Upgrade| upgrade.accept(accept).on_upgrade(handler).await;
    start(Router::new().route("/", any(route))).await
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("ws://{address}/")
}

pub(crate) async fn stream(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("a listener")
}

pub(crate) async fn client(address: SocketAddr) -> Peer<TcpStream> {
    Peer::client(stream(address).await).await
}

/// What a server answers to this head: its own head in lower case, and its body.
pub(crate) async fn answer(address: SocketAddr, head: &str) -> (String, String) {
    let mut peer = Peer::raw(stream(address).await, Sender::Client);
    ask(&mut peer, head).await
}

/// The same on a connection that stays.
pub(crate) async fn ask(peer: &mut Peer<TcpStream>, head: &str) -> (String, String) {
    peer.send_bytes(head.as_bytes()).await;
    let head = peer.head().await.to_ascii_lowercase();
    let len = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let len = len.map_or(0, |len| len.parse().expect("a length"));
    (head, peer.text(len).await)
}

/// A connection of HTTP/2, on which streams are opened.
pub(crate) struct Http2 {
    requests: SendRequest<Bytes>,
    authority: String,
}

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (requests, connection) = h2::client::handshake(stream(address).await)
            .await
            .expect("HTTP/2");
        tokio::spawn(connection);
        Self {
            requests,
            authority: address.to_string(),
        }
    }

    /// A request of HTTP/2 with these fields, to `/`.
    pub(crate) fn request(&self, method: Method, fields: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}/", self.authority))
            .version(Version::HTTP_2);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request")
    }

    /// An extended `CONNECT` with these fields and what every one has.
    pub(crate) fn extended_connect(&self, fields: &[(&str, &str)]) -> Request<()> {
        let mut request = self.request(Method::CONNECT, fields);
        request
            .extensions_mut()
            .insert(Protocol::from_static("websocket"));
        let version = http::HeaderValue::from_static("13");
        request
            .headers_mut()
            .entry("sec-websocket-version")
            .or_insert(version);
        request
    }

    /// The answer to a request, and the stream.
    pub(crate) async fn send(&mut self, request: Request<()>) -> (Response<()>, Stream) {
        let ends = request.method() != Method::CONNECT;
        let mut ready = self.requests.clone().ready().await.expect("room for a stream");
        let (response, sending) = ready.send_request(request, ends).expect("a request");
        let (head, receiving) = response.await.expect("an answer").into_parts();
        let stream = Stream {
            sending,
            receiving,
            input: Bytes::new(),
        };
        (Response::from_parts(head, ()), stream)
    }

    /// A client on a stream of its own.
    pub(crate) async fn open(&mut self) -> Peer<Stream> {
        let (response, stream) = self.send(self.extended_connect(&[])).await;
        assert_eq!(response.status(), 200);
        Peer::raw(stream, Sender::Client)
    }

    /// The status and the body that refuse a request, and its fields.
    pub(crate) async fn refused(&mut self, request: Request<()>) -> (Response<()>, String) {
        let (response, mut stream) = self.send(request).await;
        let mut body = String::new();
        stream.read_to_string(&mut body).await.expect("a text");
        (response, body)
    }
}

/// A stream of an HTTP/2 connection.
pub(crate) struct Stream {
    sending: SendStream<Bytes>,
    receiving: RecvStream,
    input: Bytes,
}

impl Stream {
    /// Ends it with `RST_STREAM`.
    pub(crate) fn reset(&mut self, reason: Reason) {
        self.sending.send_reset(reason);
    }
}

fn reset(error: h2::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.input.is_empty() {
            match ready!(self.receiving.poll_data(cx)) {
                Some(Ok(input)) => self.input = input,
                Some(Err(error)) => return Poll::Ready(Err(reset(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let len = self.input.len().min(buffer.remaining());
        buffer.put_slice(&self.input[..len]);
        self.input.advance(len);
        self.receiving
            .flow_control()
            .release_capacity(len)
            .map_err(reset)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // The tests send less than the windows of a connection have room for.
        let sent = self.sending.send_data(Bytes::copy_from_slice(bytes), false);
        Poll::Ready(sent.map(|()| bytes.len()).map_err(reset))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Sends `END_STREAM`.
    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.sending.send_data(Bytes::new(), true).map_err(reset))
    }
}
