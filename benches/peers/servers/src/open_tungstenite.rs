//! How both servers of tokio-tungstenite open a connection.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async_with_config};

/// The largest message.
const LIMIT: usize = 64 << 20;

fn config() -> WebSocketConfig {
    let config = WebSocketConfig::default();
    config.max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT))
}

/// Answers the opening handshake of a client.
///
/// # Errors
/// How it failed.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<WebSocketStream<S>, Error> {
    accept_async_with_config(stream, Some(config())).await
}

/// Sends the opening handshake to a server.
///
/// # Errors
/// How it failed.
pub async fn connect(stream: TcpStream) -> Result<WebSocketStream<TcpStream>, Error> {
    let (websocket, _) = client_async_with_config("ws://127.0.0.1/", stream, Some(config())).await?;
    Ok(websocket)
}
