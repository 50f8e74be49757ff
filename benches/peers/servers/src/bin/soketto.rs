//! soketto 0.8.1 (Apache-2.0 or MIT).
//!
//! Features: none; it has none for speed. It could compress (`deflate`: level 1, without takeover, a compressor made anew
//! for each message), but asks flate2 for zlib in C, and that, once in a build, replaces the zlib-rs with which the other
//! libraries are to be measured: so it is left out.
//!
//! The echo loop is that of its documentation and of its example `autobahn_server` (its README has none), with that
//! example's buffers around the socket, a flush after each message, and its check of text.

use std::io;

use futures_util::io::{BufReader, BufWriter};
use futures_util::{AsyncRead, AsyncWrite};
use servers::{Can, Deflate, Options, Role, on_tokio, process, tls};
use soketto::connection::{Error, Receiver, Sender};
use soketto::handshake::server::Response;
use soketto::handshake::{Client, Server, ServerResponse};
use soketto::{BoxedError, Data};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::Tls, Can::NoTakeover, Can::Client]);
    if options.deflate != Deflate::Off {
        process::unsupported("its compression is zlib in C, which would replace that of the others");
    }
    let acceptor = options.tls.then(tls::acceptor).transpose()?;
    on_tokio::run(async move {
        match (options.role, acceptor) {
            (Role::Client { port, connections }, None) => {
                on_tokio::connect_each(port, connections, connect).await
            }
            (Role::Client { .. }, Some(_)) => process::unsupported("TLS other than to echo"),
            (_, None) => {
                let serve = |stream: TcpStream| accept(stream.compat());
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
            (_, Some(acceptor)) => {
                let serve = |stream| {
                    let stream = acceptor.accept(stream);
                    async { accept(stream.await?.compat()).await }
                };
                on_tokio::accept_each(on_tokio::listen().await?, serve).await
            }
        }
    })
}

async fn accept<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), BoxedError> {
    let mut server = Server::new(BufReader::new(BufWriter::new(stream)));
    let key = server.receive_request().await?.key();
    server
        .send_response(&Response::Accept { key, protocol: None })
        .await?;
    let (sender, receiver) = server.into_builder().finish();
    echo(sender, receiver).await
}

async fn connect(stream: TcpStream) -> Result<(), BoxedError> {
    let mut client = Client::new(BufReader::new(BufWriter::new(stream.compat())), "127.0.0.1", "/");
    match client.handshake().await? {
        ServerResponse::Accepted { .. } => {}
        ServerResponse::Redirect { .. } | ServerResponse::Rejected { .. } => return Err("refused".into()),
    }
    let (sender, receiver) = client.into_builder().finish();
    echo(sender, receiver).await
}

async fn echo<S>(mut sender: Sender<S>, mut receiver: Receiver<S>) -> Result<(), BoxedError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut message = Vec::new();
    loop {
        message.clear();
        match receiver.receive_data(&mut message).await {
            Ok(Data::Binary(_)) => sender.send_binary_mut(&mut message).await?,
            Ok(Data::Text(_)) => sender.send_text(str::from_utf8(&message)?).await?,
            Err(Error::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        sender.flush().await?;
    }
}
