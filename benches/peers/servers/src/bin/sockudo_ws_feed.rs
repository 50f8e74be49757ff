//! sockudo-ws 3.1.0 (MIT), with the other echo loop of its README: it feeds what it sends, and the stream flushes when
//! it has no more parsed input. Everything else is as in `sockudo_ws`, of which this has the plain echo alone.

use std::io;

use futures_util::{SinkExt as _, StreamExt as _};
use servers::{Options, on_tokio};
use sockudo_ws::handshake::server_handshake;
use sockudo_ws::{Config, Error, Message, Role, WebSocketStream, init_clock};
use tokio::net::TcpStream;

/// The largest message.
const LIMIT: usize = 64 << 20;

fn main() -> io::Result<()> {
    Options::read(&[]);
    init_clock();
    on_tokio::run(async { on_tokio::accept_each(on_tokio::listen().await?, echo).await })
}

async fn echo(mut stream: TcpStream) -> Result<(), Error> {
    let config = Config::builder().max_message_size(LIMIT).max_frame_size(LIMIT);
    let rest = server_handshake(&mut stream).await?.leftover;
    let mut websocket = WebSocketStream::from_raw_with_leftover(stream, Role::Server, config.build(), rest);
    while let Some(message) = websocket.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => websocket.feed(message).await?,
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    Ok(())
}
