//! One extended `CONNECT`.

use std::pin::{Pin, pin};

use h2::ext::Protocol;
use h2::{RecvStream, client::ResponseFuture};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Uri, Version};
use tidewire_common::proto::handshake::InvalidField;
use tidewire_common::{
    Config, Connecting, HandshakeError, Http2Error, Journey, Negotiated, Scheme, Session, Target,
};
use tokio::time::Sleep;

use super::stream::Stream;
use super::{Http2, error};
use crate::clock::Clock;
use crate::heads;
use crate::socket::Socket;
use crate::stages::within;
use crate::websocket::WebSocket;

/// Opens a connection on a stream of its own, in what is left of the time.
pub(super) async fn open(
    http2: &Http2,
    journey: &Journey<'_>,
    config: &Config,
    clock: Clock,
    expiry: Pin<&mut Option<Sleep>>,
) -> Result<WebSocket, HandshakeError> {
    let mut connecting = journey.connect()?;
    let request = request(&connecting, journey.target())?;
    let mut requests = http2.requests.clone().ready().await.map_err(error::of)?;
    // RFC 8441 §3: a client uses it "If the value is 1".
    if !requests.is_extended_connect_protocol_enabled() {
        return Err(Http2Error::NotEnabled.into());
    }
    let (response, sending) = requests.send_request(request, false).map_err(error::of)?;
    let (negotiated, receiving) = agree(&mut connecting, response, expiry).await?;
    let stream = Stream::new(sending, receiving, http2.user.clone());
    let (session, rest) = Session::client(config, negotiated, clock.now());
    Ok(WebSocket::new(Socket::new(stream), session, rest, clock))
}

/// Waits for the server's consent.
async fn agree(
    connecting: &mut Connecting,
    response: ResponseFuture,
    mut expiry: Pin<&mut Option<Sleep>>,
) -> Result<(Negotiated, RecvStream), HandshakeError> {
    let response = within(expiry.as_mut(), pin!(async { response.await.map_err(error::of) })).await?;
    let (head, mut receiving) = response.into_parts();
    let fields = heads::fields(&head.headers)?;
    if let Some(negotiated) = connecting.handle_head(head.status.as_u16(), fields)? {
        return Ok((negotiated, receiving));
    }
    loop {
        let part = {
            let part = pin!(async { receiving.data().await.transpose().map_err(error::of) });
            within(expiry.as_mut(), part).await
        };
        match part {
            Ok(Some(part)) => {
                connecting.handle_body(&part)?;
                let released = receiving.flow_control().release_capacity(part.len());
                released.map_err(error::of)?;
            }
            Ok(None) => return Err(connecting.handle_end()),
            // What came of the refusal says more than how the rest was lost.
            Err(_) => return Err(connecting.handle_timeout()),
        }
    }
}

/// The request as h2 takes it.
fn request(connecting: &Connecting, target: &Target) -> Result<Request<()>, HandshakeError> {
    let asked = connecting.asked();
    let authority = Authority::try_from(asked.authority()).map_err(|_| InvalidField::Host { byte: None })?;
    let path = PathAndQuery::try_from(asked.path()).map_err(|_| InvalidField::Target { byte: None })?;
    // RFC 8441 §5: "The scheme of the target URI (see Section 3 of [RFC6455]) MUST be "https" for "wss"-schemed
    // WebSockets and "http" for "ws"-schemed WebSockets."
    let scheme = match target.scheme() {
        Scheme::Ws => "http",
        Scheme::Wss => "https",
    };
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(path);
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = uri.build().map_err(|_| InvalidField::Target { byte: None })?;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = heads::headers(&asked.fields());
    request
        .extensions_mut()
        .insert(Protocol::from_static("websocket"));
    Ok(request)
}
