//! The server: told by its standard input when to stop, and telling on its standard output how that went.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::str::FromStr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use tidewire_blocking::listen::reuse_port;
use tidewire_tokio::{Config, Served};

use crate::seconds;

/// The text that asks the handler to send for ever.
pub(crate) const FLOOD: &str = "flood";

/// What it sends then, again and again.
const WAVE: [u8; 16 * 1024] = [0; 16 * 1024];

/// How long tasks that were aborted may take to go.
const LAST_TASKS: Duration = Duration::from_secs(1);

/// What a server is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Adapter {
    Tokio,
    Threads,
}

impl Adapter {
    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Threads => "threads",
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(value_enum)]
    adapter: Adapter,
    #[arg(value_parser = seconds)]
    open_timeout: Duration,
}

/// How a server ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) finished: usize,
    pub(crate) aborted: usize,
    /// The tasks of the runtime that are left, where there is one.
    pub(crate) tasks: usize,
    /// From when it was told to stop.
    pub(crate) took: Duration,
}

impl Ended {
    fn to_line(&self) -> String {
        let Self {
            finished,
            aborted,
            tasks,
            took,
        } = self;
        format!("{finished} {aborted} {tasks} {}", took.as_micros())
    }
}

impl FromStr for Ended {
    type Err = Box<dyn Error>;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let numbers: Vec<&str> = line.split_whitespace().collect();
        let [finished, aborted, tasks, took] = numbers[..] else {
            return Err(format!("the server ended with {line:?}").into());
        };
        Ok(Self {
            finished: finished.parse()?,
            aborted: aborted.parse()?,
            tasks: tasks.parse()?,
            took: Duration::from_micros(took.parse()?),
        })
    }
}

/// A server of either adapter that runs.
struct Running {
    stop: Box<dyn Fn(Duration)>,
    thread: JoinHandle<io::Result<Stopped>>,
}

/// A server that has stopped.
struct Stopped {
    served: Served,
    at: Instant,
    /// The tasks of the runtime that are left.
    tasks: usize,
}

/// Prints the port, waits for the deadline of the shutdown, prints how that went, and waits for the end of the input.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    // Its queue is as long as the system allows: std's own of 128 would have the crowd wait there and not in the server.
    let listener = reuse_port((Ipv4Addr::LOCALHOST, 0).into())?;
    let port = listener.local_addr()?.port();
    let config = Config::builder().open_timeout(arguments.open_timeout).build()?;
    let Running { stop, thread } = match arguments.adapter {
        Adapter::Tokio => on_tokio(listener, config)?,
        Adapter::Threads => on_threads(listener, config),
    };
    println!("{port}");
    let mut lines = io::stdin().lines();
    let Some(deadline) = lines.next() else {
        return Ok(());
    };
    let deadline = seconds(&deadline?)?;
    let start = Instant::now();
    stop(deadline);
    let Stopped { served, at, tasks } = thread.join().map_err(|_| "the server panicked")??;
    let ended = Ended {
        finished: served.finished,
        aborted: served.aborted,
        tasks,
        took: at - start,
    };
    println!("{}", ended.to_line());
    // What is left can be counted meanwhile.
    lines.next();
    Ok(())
}

fn on_tokio(listener: TcpListener, config: Config) -> io::Result<Running> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let server = tidewire_tokio::serve(listener, async |mut ws: tidewire_tokio::WebSocket| {
        while let Some(message) = ws.recv().await? {
            while message.as_text() == Some(FLOOD) {
                ws.send(WAVE.to_vec()).await?;
            }
            ws.send(message).await?;
        }
        Ok::<(), tidewire_tokio::Error>(())
    })
    .config(config);
    let handle = server.handle();
    Ok(Running {
        stop: Box::new(move |deadline| handle.shutdown(deadline)),
        thread: thread::spawn(move || {
            let counts = runtime.block_on(server.into_future())?;
            let at = Instant::now();
            let tasks = || runtime.metrics().num_alive_tasks();
            // Those that were aborted go when a worker comes by.
            while tasks() > 0 && at.elapsed() < LAST_TASKS {
                thread::yield_now();
            }
            Ok(Stopped {
                served: counts,
                at,
                tasks: tasks(),
            })
        }),
    })
}

fn on_threads(listener: TcpListener, config: Config) -> Running {
    let server = tidewire_blocking::Server::new(listener, |mut ws: tidewire_blocking::WebSocket| {
        while let Some(message) = ws.recv()? {
            while message.as_text() == Some(FLOOD) {
                ws.send(WAVE.to_vec())?;
            }
            ws.send(message)?;
        }
        Ok::<(), tidewire_blocking::Error>(())
    })
    .config(config);
    let handle = server.handle();
    Running {
        stop: Box::new(move |deadline| handle.shutdown(deadline)),
        thread: thread::spawn(move || {
            Ok(Stopped {
                served: server.run()?,
                at: Instant::now(),
                tasks: 0,
            })
        }),
    }
}
