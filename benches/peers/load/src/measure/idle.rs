use std::io::{Read as _, Write as _};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Figure, Subject};
use crate::payloads::Content;
use crate::process::Process;
use crate::replies::{Checker, Progress, Sender};
use crate::stream::Stream;
use crate::turns::{Shape, Turn};

/// How long connections rest before the server is read.
const REST: Duration = Duration::from_secs(1);

/// The resident bytes that a connection leaves in the server when it has echoed one message and rests.
///
/// What the server holds after one connection has come and gone is subtracted: the runtime, the code that was paged in,
/// the buffers of the thread.
pub(super) fn measure(subject: &Subject<'_>, connections: usize) -> Result<Figure> {
    let process = subject.start(&[])?;
    let shape = Shape {
        content: Content::Json,
        size: 1024,
        batch: 1,
        fragments: 1,
        deflate: subject.deflate,
    };
    let turns = shape.turns(subject.talk, Sender::Client);
    drop(open(subject, &process, &turns[0])?);
    thread::sleep(REST);
    let before = process.resident()?;
    let streams = turns
        .iter()
        .cycle()
        .take(connections)
        .map(|turn| open(subject, &process, turn))
        .collect::<Result<Vec<_>>>()?;
    thread::sleep(REST);
    let grown = process.resident()? - before;
    drop(streams);
    #[expect(clippy::cast_precision_loss, reason = "both are far below 2^52")]
    let each = grown as f64 / connections as f64;
    Ok(each.into())
}

/// Opens a connection that has echoed its message.
pub(super) fn open(subject: &Subject<'_>, process: &Process, turn: &Turn) -> Result<Stream> {
    let mut stream = subject.connect(process)?;
    stream.write_all(&turn.out)?;
    stream.flush()?;
    let mut checker = Checker::default();
    let mut input = vec![0; 4096];
    loop {
        let len = stream.read(&mut input)?;
        ensure!(len > 0, "connection ended instead of a reply");
        if checker.check(&turn.reply, &input[..len])? == Progress::Complete {
            return Ok(stream);
        }
    }
}
