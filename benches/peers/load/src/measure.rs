//! One measurement: a server is started, loaded as the scenario says, and read.

mod broadcast;
mod echo;
mod growth;
mod handshakes;
mod idle;

use std::env;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::compression::Deflate;
use crate::growth::Point;
use crate::handshake;
use crate::process::{Process, Started};
use crate::scenarios::{Scenario, Work};
use crate::servers::{Contest, Server};
use crate::stream::{Security, Stream};
use crate::turns::Talk;

pub(crate) use growth::Cost;

/// How long a server is loaded before it counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// What was measured, in the unit of the scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    /// Bytes sent by the server for each byte of payload, where it compresses.
    pub(crate) output_ratio: Option<f64>,
}

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self {
            value,
            output_ratio: None,
        }
    }
}

/// What came of a measurement.
#[derive(Debug)]
pub(crate) enum Measured {
    Figure(Figure),
    /// The server was not made for it.
    Unsupported(String),
}

/// Measures a server once, for about as long as `time`.
pub(crate) fn measure(scenario: &Scenario, server: &Server, time: Duration) -> Result<Measured> {
    let security = match scenario.contest {
        Contest::Tls => Security::Tls,
        Contest::Tasks | Contest::Threads => Security::Plain,
    };
    let subject = Subject::new(server, security, scenario.deflate());
    let outcome = match scenario.work {
        Work::Echo {
            connections,
            shape,
            role,
        } => echo::measure(&subject, connections, shape, role, time),
        Work::Handshakes => handshakes::measure(&subject, time),
        Work::Idle { connections, .. } => idle::measure(&subject, connections),
        Work::Broadcast { connections } => broadcast::measure(&subject, connections, time),
    };
    match outcome {
        Ok(figure) => Ok(Measured::Figure(figure)),
        Err(error) => match error.downcast::<Unsupported>() {
            Ok(Unsupported(why)) => Ok(Measured::Unsupported(why)),
            Err(error) => Err(error),
        },
    }
}

/// Measures a server at one point of its growth, for about as long as `time`.
pub(crate) fn measure_growth(point: &Point, server: &Server, time: Duration) -> Result<Cost> {
    let subject = Subject::new(server, Security::Plain, Deflate::Off);
    growth::measure(&subject, point, time)
}

/// A server under test, and how to talk to it.
#[derive(Debug)]
struct Subject<'a> {
    server: &'a Server,
    talk: Talk,
    security: Security,
    deflate: Deflate,
}

/// Ends a measurement whose server was not made for it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unsupported(String);

impl<'a> Subject<'a> {
    fn new(server: &'a Server, security: Security, deflate: Deflate) -> Self {
        let talk = if server.is_raw() {
            Talk::Raw
        } else {
            Talk::WebSocket
        };
        Self {
            server,
            talk,
            security,
            deflate,
        }
    }

    /// Starts the server with these arguments beside those that the scenario has anyway.
    fn start(&self, arguments: &[&str]) -> Result<Process> {
        let binary = env::current_exe()?.with_file_name(self.server.name);
        let security: &[_] = match self.security {
            Security::Plain => &[],
            Security::Tls => &["--tls"],
        };
        let deflate: &[_] = match self.deflate {
            Deflate::Off => &[],
            Deflate::NoTakeover => &["--deflate", "no-takeover"],
            Deflate::Takeover => &["--deflate", "takeover"],
        };
        let arguments: Vec<&str> = [security, deflate, arguments].concat();
        match Process::start(&binary, &arguments)? {
            Started::Running(process) => Ok(process),
            Started::Unsupported(why) => Err(Unsupported(why).into()),
        }
    }

    /// Opens a connection to the server.
    fn connect(&self, process: &Process) -> Result<Stream> {
        let mut stream = Stream::connect(process.port(), self.security).context("no connection")?;
        if self.talk == Talk::WebSocket {
            handshake::connect(&mut stream, self.deflate)?;
        }
        Ok(stream)
    }
}

fn microseconds(time: Duration, count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count is far below 2^52")]
    let count = count as f64;
    time.as_secs_f64() * 1e6 / count
}
