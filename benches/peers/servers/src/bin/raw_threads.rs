//! Echoes bytes on a thread for each connection.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use servers::raw::BUFFER;
use servers::{Options, on_threads};

fn main() -> io::Result<()> {
    Options::read(&[]);
    on_threads::accept_each(&on_threads::listen()?, echo)
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut input = vec![0; BUFFER];
    loop {
        match stream.read(&mut input)? {
            0 => return Ok(()),
            len => stream.write_all(&input[..len])?,
        }
    }
}
