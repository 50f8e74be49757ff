use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Subject, WARM_UP, idle, microseconds};
use crate::exchange::Exchange;
use crate::growth::{Curve, Point};
use crate::process::Process;
use crate::replies::Sender;
use crate::turns::Turn;

/// How long the server rests when one connection has come and gone.
const REST: Duration = Duration::from_millis(300);

/// What an echo costs at one point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Processor time of the server.
    pub(crate) microseconds_per_message: f64,
    /// By the clock, with all connections together.
    pub(crate) messages_per_second: f64,
    /// Resident while all connections echo; where their number grows.
    pub(crate) bytes_per_connection: Option<f64>,
}

/// What messages take, and connections.
pub(super) fn measure(subject: &Subject<'_>, point: &Point, time: Duration) -> Result<Cost> {
    let process = subject.start(&[])?;
    let turns = point.shape().turns(subject.talk, Sender::Client);
    let before = match point.curve {
        Curve::Connections => Some(resident_after_one(subject, &process, &turns)?),
        Curve::Size | Curve::Fragments => None,
    };
    let streams = (0..point.connections)
        .map(|_| subject.connect(&process))
        .collect::<Result<_>>()?;
    let mut exchange = Exchange::new(streams, &turns)?;
    exchange.run(WARM_UP.min(time))?;
    let ((messages, elapsed), cpu) = process.cpu_during(|| {
        let start = Instant::now();
        Ok((exchange.run(time)?.turns, start.elapsed()))
    })?;
    let bytes_per_connection = match before {
        Some(before) => {
            let (_, most) = process.resident_during(|| exchange.run(time))?;
            Some(each(most - before, point.connections))
        }
        None => None,
    };
    Ok(Cost {
        microseconds_per_message: microseconds(cpu, messages),
        messages_per_second: 1e6 / microseconds(elapsed, messages),
        bytes_per_connection,
    })
}

/// What the server holds when one connection has echoed and gone.
fn resident_after_one(subject: &Subject<'_>, process: &Process, turns: &[Turn]) -> Result<i64> {
    drop(idle::open(subject, process, &turns[0])?);
    thread::sleep(REST);
    process.resident()
}

#[expect(clippy::cast_precision_loss, reason = "both are far below 2^52")]
fn each(bytes: i64, connections: usize) -> f64 {
    bytes as f64 / connections as f64
}
