use std::io::{Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::{Figure, Subject, WARM_UP, microseconds};
use crate::frames;
use crate::payloads::Content;
use crate::random::Random;
use crate::stream::Stream;
use crate::turns::Talk;

/// Bytes of payload.
const SIZE: usize = 125;

/// How long a server has to take note of the last connection.
const SETTLE: Duration = Duration::from_millis(500);

/// The processor time that one delivery takes of a message that goes to all connections.
pub(super) fn measure(subject: &Subject<'_>, connections: usize, time: Duration) -> Result<Figure> {
    let process = subject.start(&["--broadcast"])?;
    let mut streams = (0..connections)
        .map(|_| subject.connect(&process))
        .collect::<Result<Vec<_>>>()?;
    // A connection is there before the server has it in its list.
    thread::sleep(SETTLE);
    let message = Content::Ascii.message(SIZE, &mut Random::new(1));
    let mut frame = Vec::new();
    frames::append(true, message.opcode, None, &message.payload, &mut frame);
    let out = match subject.talk {
        // The raw server has no more to do than to write it.
        Talk::Raw => frame.clone(),
        Talk::WebSocket => {
            let mut out = Vec::new();
            frames::append(
                true,
                message.opcode,
                Some([1, 2, 3, 4]),
                &message.payload,
                &mut out,
            );
            out
        }
    };
    run(&mut streams, &out, &frame, WARM_UP)?;
    let (deliveries, cpu) = process.cpu_during(|| run(&mut streams, &out, &frame, time))?;
    Ok(microseconds(cpu, deliveries).into())
}

/// Sends messages for this long, each when the one before has arrived everywhere; gives the number of deliveries.
fn run(streams: &mut [Stream], out: &[u8], frame: &[u8], time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let mut input = vec![0; frame.len()];
    let mut count = 0;
    while count == 0 || Instant::now() < end {
        streams.first_mut().context("no connections")?.write_all(out)?;
        for stream in &mut *streams {
            stream
                .read_exact(&mut input)
                .context("the message does not arrive everywhere")?;
            ensure!(input == frame, "another message arrives");
            count += 1;
        }
    }
    Ok(count)
}
