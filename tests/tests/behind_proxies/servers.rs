use tidewire_blocking as blocking;
use tidewire_tests::live::{Proxy, Running};
use tidewire_tokio::{
    Config, Deflate, Error, Message, ProxyProtocol, Request, Response, ServerPolicy, WebSocket,
};
use tokio::sync::mpsc::UnboundedSender;

/// What a handler was told in the end.
pub(crate) type End = Result<(), Error>;

/// Compresses, and answers those who check its health.
fn policy() -> ServerPolicy {
    let policy = ServerPolicy::default().on_request(|request: &Request| {
        let healthy = Response::new(200).expect("a final status").body("ok\n");
        (request.path() == "/healthz").then_some(healthy)
    });
    policy.deflate(Deflate::default())
}

/// Expects a PROXY header of everybody, where the proxy writes one.
fn proxy_protocol(proxy: Proxy) -> ProxyProtocol {
    if proxy.writes_headers() {
        ProxyProtocol::required()
    } else {
        ProxyProtocol::from_trusted([""; 0]).expect("nobody")
    }
}

/// Serves on tokio, and tells how each connection ended.
pub(crate) fn serve_tokio(proxy: Proxy, config: Config, tell: UnboundedSender<End>) -> Running {
    Running::on_tokio(move |listener| {
        let server = tidewire_tokio::Server::new(listener, move |mut ws: WebSocket| {
            let tell = tell.clone();
            async move {
                // Where nobody asks, nobody listens.
                tell.send(converse_tokio(&mut ws).await).ok();
                Ok::<(), Error>(())
            }
        });
        let server = server.config(config).policy(policy());
        server.proxy_protocol(proxy_protocol(proxy))
    })
}

async fn converse_tokio(ws: &mut WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        match asked(&message) {
            Asked::Close(code, reason) => ws.close(code, reason).await?,
            Asked::Forwarded => ws.send(forwarded(ws.handshake().request())).await?,
            Asked::Echo => ws.send(message).await?,
        }
    }
    Ok(())
}

/// As [`serve_tokio`], on threads.
pub(crate) fn serve_blocking(proxy: Proxy, config: Config, tell: UnboundedSender<End>) -> Running {
    Running::on_threads(|listener| {
        let server = blocking::Server::new(listener, move |mut ws: blocking::WebSocket| {
            tell.send(converse_blocking(&mut ws)).ok();
            Ok::<(), Error>(())
        });
        let server = server.config(config).policy(policy());
        server.proxy_protocol(proxy_protocol(proxy))
    })
}

fn converse_blocking(ws: &mut blocking::WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        match asked(&message) {
            Asked::Close(code, reason) => ws.close(code, reason)?,
            Asked::Forwarded => ws.send(forwarded(ws.handshake().request()))?,
            Asked::Echo => ws.send(message)?,
        }
    }
    Ok(())
}

/// What a message asks of our servers.
enum Asked<'m> {
    Forwarded,
    Close(u16, &'m str),
    Echo,
}

fn asked(message: &Message) -> Asked<'_> {
    match message.as_text() {
        Some("forwarded") => Asked::Forwarded,
        Some(text) => match text.strip_prefix("close ").and_then(|rest| rest.split_once(' ')) {
            Some((code, reason)) => Asked::Close(code.parse().expect("a code"), reason),
            None => Asked::Echo,
        },
        None => Asked::Echo,
    }
}

/// All that a request says of whom it was forwarded for, and how that one came.
fn forwarded(request: Option<&Request>) -> String {
    let fields = request.expect("a server's request").fields();
    let all = fields
        .all("x-forwarded-for")
        .chain(fields.all("x-forwarded-proto"));
    all.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}
