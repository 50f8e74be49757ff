use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::{Figure, Subject, WARM_UP, microseconds};
use crate::compression::Deflate;
use crate::frames;
use crate::handshake;
use crate::process::Process;
use crate::stream::Stream;

/// How many connections go through each step together, so that the server has more than one to do when it wakes.
const TOGETHER: usize = 32;

/// The processor time that a connection takes which carries nothing.
pub(super) fn measure(subject: &Subject<'_>, time: Duration) -> Result<Figure> {
    let process = subject.start(&[])?;
    run(subject, &process, WARM_UP)?;
    let (connections, cpu) = process.cpu_during(|| run(subject, &process, time))?;
    Ok(microseconds(cpu, connections).into())
}

/// Opens and closes connections for this long; gives their number.
fn run(subject: &Subject<'_>, process: &Process, time: Duration) -> Result<u64> {
    let request = handshake::request(Deflate::Off);
    // §5.5.1: a Close frame with the code 1000.
    let mut close = Vec::new();
    frames::append(true, frames::CLOSE, Some([1, 2, 3, 4]), &CODE, &mut close);
    let end = Instant::now() + time;
    let mut count = 0;
    while Instant::now() < end {
        let mut streams = (0..TOGETHER)
            .map(|_| Stream::connect(process.port(), subject.security))
            .collect::<Result<Vec<_>>>()?;
        for stream in &mut streams {
            stream.write_all(request.as_bytes())?;
        }
        for stream in &mut streams {
            handshake::read_response(stream, Deflate::Off)?;
        }
        for stream in &mut streams {
            stream.write_all(&close)?;
        }
        for stream in &mut streams {
            check_end(stream)?;
        }
        count += streams.len() as u64;
    }
    Ok(count)
}

const CODE: [u8; 2] = 1000_u16.to_be_bytes();

/// Reads the server's Close and the end of the connection, which §7.1.1 has the server make.
fn check_end(stream: &mut Stream) -> Result<()> {
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .context("connection does not end behind its Close")?;
    ensure!(
        bytes == [0x88, 2, CODE[0], CODE[1]] || bytes == [0x88, 0],
        "Close is answered with {bytes:02x?}"
    );
    Ok(())
}
