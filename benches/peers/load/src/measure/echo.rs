use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Figure, Subject, WARM_UP, microseconds};
use crate::compression::Deflate;
use crate::exchange::Exchange;
use crate::handshake;
use crate::process::Process;
use crate::replies::Sender;
use crate::scenarios::Role;
use crate::stream::{PATIENCE, Stream};
use crate::turns::{Shape, Talk};

/// The processor time that one message takes.
pub(super) fn measure(
    subject: &Subject<'_>,
    connections: usize,
    shape: Shape,
    role: Role,
    time: Duration,
) -> Result<Figure> {
    let (process, streams, sender) = match role {
        Role::Server => {
            let process = subject.start(&[])?;
            let streams = (0..connections)
                .map(|_| subject.connect(&process))
                .collect::<Result<_>>()?;
            (process, streams, Sender::Client)
        }
        Role::Client => {
            let (process, streams) = accept(subject, connections)?;
            (process, streams, Sender::Server)
        }
    };
    let turns = shape.turns(subject.talk, sender);
    let mut exchange = Exchange::new(streams, &turns)?;
    exchange.run(WARM_UP)?;
    let (exchanged, cpu) = process.cpu_during(|| exchange.run(time))?;
    let messages = exchanged.turns * shape.batch as u64;
    Ok(Figure {
        value: microseconds(cpu, messages),
        output_ratio: (shape.deflate != Deflate::Off)
            .then(|| ratio(exchanged.wire_bytes, messages * shape.size as u64)),
    })
}

/// Listens, and has the program under test connect.
fn accept(subject: &Subject<'_>, connections: usize) -> Result<(Process, Vec<Stream>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    let process = subject.start(&["--connect", &port, "--connections", &connections.to_string()])?;
    let patience = Timespec::try_from(PATIENCE)?;
    let mut streams = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut ready = [PollFd::new(&listener, PollFlags::IN)];
        ensure!(
            poll(&mut ready, Some(&patience))? > 0,
            "{} of {connections} connections came",
            streams.len()
        );
        let mut stream = Stream::over(listener.accept()?.0)?;
        if subject.talk == Talk::WebSocket {
            handshake::accept(&mut stream)?;
        }
        streams.push(stream);
    }
    Ok((process, streams))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
