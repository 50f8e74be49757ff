//! Echoes messages with tidewire on a thread for each connection.

use std::io;

use servers::{Can, Deflate as Wanted, Options, on_threads};
use tidewire_blocking::{Deflate, Error, Server, WebSocket};

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::NoTakeover, Can::Takeover]);
    let server = Server::new(on_threads::listen()?, echo);
    let deflate = Deflate::builder().level(1);
    let server = match options.deflate {
        Wanted::Off => server,
        Wanted::NoTakeover => {
            let deflate = deflate.server_no_context_takeover().client_no_context_takeover();
            server.deflate(deflate.build().map_err(io::Error::other)?)
        }
        Wanted::Takeover => {
            let deflate = deflate.server_max_window_bits(15).client_max_window_bits(15);
            server.deflate(deflate.build().map_err(io::Error::other)?)
        }
    };
    server.run().map(drop)
}

fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}
