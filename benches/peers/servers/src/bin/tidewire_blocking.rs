//! Echoes messages with tidewire on a thread for each connection.

use std::io;

use servers::{Can, Deflate as Wanted, Options, on_threads};
use tidewire_blocking::{Deflate, Error, Server, WebSocket};

fn main() -> io::Result<()> {
    let options = Options::read(&[Can::NoTakeover, Can::Takeover]);
    let server = Server::new(on_threads::listen()?, echo);
    let server = match deflate(options.deflate)? {
        None => server,
        Some(deflate) => server.deflate(deflate),
    };
    server.run().map(drop)
}

fn deflate(wanted: Wanted) -> io::Result<Option<Deflate>> {
    let deflate = Deflate::builder().level(1);
    let deflate = match wanted {
        Wanted::Off => return Ok(None),
        Wanted::NoTakeover => deflate.server_no_context_takeover().client_no_context_takeover(),
        Wanted::Takeover => deflate.server_max_window_bits(15).client_max_window_bits(15),
    };
    deflate.build().map(Some).map_err(io::Error::other)
}

fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv()? {
        ws.send(message)?;
    }
    Ok(())
}
