use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{RecvStream, SendStream};
use http::{Request, Response};
use tidewire_tokio::http2::Http2;
use tidewire_tokio::{Config, Connect, HandshakeError};
use tokio::io::{DuplexStream, duplex};

/// What a scripted server is asked, and how it answers.
pub(crate) type Asked = (Request<RecvStream>, SendResponse<Bytes>);

/// A server of HTTP/2 that does what a test says.
pub(crate) struct Scripted {
    pub(crate) connection: Box<Connection<DuplexStream, Bytes>>,
}

/// Whether a server says that it takes extended `CONNECT`.
#[derive(Clone, Copy)]
pub(crate) enum Setting {
    Sent,
    Missing,
}

/// A client's connection to a server that says this.
pub(crate) async fn connected(setting: Setting) -> (Http2, Scripted) {
    let mut builder = Builder::new();
    if let Setting::Sent = setting {
        builder.enable_connect_protocol();
    }
    connected_as(&builder).await
}

/// A client's connection to a server with these settings.
pub(crate) async fn connected_as(builder: &Builder) -> (Http2, Scripted) {
    let (near, far) = duplex(1 << 20);
    let to = to();
    let (http2, connection) = tokio::join!(Http2::over(&to, near), builder.handshake(far));
    let connection = Box::new(connection.expect("a client of HTTP/2"));
    (http2.expect("a server of HTTP/2"), Scripted { connection })
}

/// What is asked for, without keepalive.
pub(crate) fn to() -> Connect {
    let config = Config::builder()
        .keepalive(None)
        .build()
        .expect("no contradiction");
    Connect::new("ws://server.example.com:81/chat?room=1").config(config)
}

impl Scripted {
    /// Waits for a request.
    pub(crate) async fn asked(&mut self) -> Asked {
        let asked = self
            .connection
            .accept()
            .await
            .expect("a request in place of the end");
        asked.expect("a request")
    }

    /// Goes on until the client has ended the connection.
    pub(crate) async fn end(mut self) {
        while let Some(asked) = self.connection.accept().await {
            assert!(asked.is_err(), "asked for more");
        }
    }

    /// Answers the next request with this head, and runs the connection meanwhile and afterwards.
    pub(crate) async fn answer(
        mut self,
        response: Response<()>,
        script: impl FnOnce(SendStream<Bytes>, RecvStream),
    ) {
        let (request, mut answer) = self.asked().await;
        let sending = answer.send_response(response, false).expect("it may be sent");
        script(sending, request.into_body());
        self.end().await;
    }
}

/// A response with these fields.
pub(crate) fn response(status: u16, fields: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(()).expect("a response")
}

/// What comes of asking a server that does this.
pub(crate) async fn error_of(script: impl AsyncFnOnce(Scripted)) -> HandshakeError {
    let (http2, server) = connected(Setting::Sent).await;
    let to = to().subprotocol("chat");
    let asking = async {
        let opened = http2.open(&to).await;
        drop(http2);
        opened
    };
    let (opened, ()) = tokio::join!(asking, script(server));
    opened.expect_err("no connection")
}
