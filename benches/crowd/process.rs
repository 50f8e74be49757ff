use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::serve::{Adapter, Ended};

/// How long a server may be silent that is to say something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The clock of `/proc/PID/stat`, on every architecture.
const TICKS: u32 = 100;

/// How often a count is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// How long a count stays the same that is taken for the last one.
const SETTLED: Duration = Duration::from_millis(300);

/// The server, in a process of its own, which ends with this value.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    input: ChildStdin,
    /// What it prints, line by line.
    output: Receiver<io::Result<String>>,
    port: u16,
    /// What it has when nobody is connected.
    at_rest: Holdings,
}

/// What a process has that there is only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

impl ServerProcess {
    /// Starts a server, and has one client come and go, after which it has what it keeps.
    pub(crate) fn start(adapter: Adapter, open_timeout: Duration) -> Result<Self, Box<dyn Error>> {
        let mut server = Self::start_by(Command::new(env::current_exe()?), adapter, open_timeout)?;
        crate::client::runtime()?.block_on(async {
            let mut client = Client::connect(server.port).await?;
            client.shake_hands().await?;
            client.echo().await?;
            client.leave().await
        })?;
        server.settle()?;
        Ok(server)
    }

    /// Starts a server that has file descriptors for so many, its own included, and nobody has come to yet.
    pub(crate) fn start_with(descriptors: usize, adapter: Adapter) -> Result<Self, Box<dyn Error>> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "ulimit -n \"$1\" && shift && exec \"$@\"", "sh"])
            .arg(descriptors.to_string())
            .arg(env::current_exe()?);
        Self::start_by(shell, adapter, Duration::from_secs(60))
    }

    fn start_by(
        mut command: Command,
        adapter: Adapter,
        open_timeout: Duration,
    ) -> Result<Self, Box<dyn Error>> {
        let mut child = command
            .args(["serve", adapter.name(), &open_timeout.as_secs_f64().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("the server has no standard input")?;
        let output = child.stdout.take().ok_or("the server has no standard output")?;
        // Made first, so that the process ends with it whatever fails below.
        let mut server = Self {
            child,
            input,
            output: lines(output),
            port: 0,
            at_rest: Holdings {
                descriptors: 0,
                threads: 0,
            },
        };
        server.port = server.line()?.parse()?;
        server.settle()?;
        Ok(server)
    }

    /// Waits until the process has the same for a while, which is what it has at rest.
    fn settle(&mut self) -> io::Result<()> {
        loop {
            let before = self.holdings()?;
            thread::sleep(SETTLED);
            self.at_rest = self.holdings()?;
            if before == self.at_rest {
                return Ok(());
            }
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn at_rest(&self) -> Holdings {
        self.at_rest
    }

    /// What the process has now.
    pub(crate) fn holdings(&self) -> io::Result<Holdings> {
        let count = |folder: &str| {
            let entries = fs::read_dir(format!("/proc/{}/{folder}", self.child.id()))?;
            io::Result::Ok(entries.count())
        };
        Ok(Holdings {
            descriptors: count("fd")?,
            threads: count("task")?,
        })
    }

    /// Waits until the process has descriptors for so many connections; gives for how many it has.
    pub(crate) fn wait_until(
        &self,
        are_enough: impl Fn(usize) -> bool,
        patience: Duration,
    ) -> io::Result<usize> {
        let end = Instant::now() + patience;
        loop {
            let there = self.connections()?;
            if are_enough(there) || Instant::now() > end {
                return Ok(there);
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits until the process gets no more descriptors; gives for how many connections it has them.
    pub(crate) fn wait_full(&self) -> io::Result<usize> {
        let mut before = 0;
        loop {
            let there = self.connections()?;
            if there == before {
                return Ok(there);
            }
            before = there;
            thread::sleep(SETTLED);
        }
    }

    /// For how many connections the process has descriptors.
    fn connections(&self) -> io::Result<usize> {
        let now = self.holdings()?.descriptors;
        Ok(now.saturating_sub(self.at_rest.descriptors))
    }

    /// The time that the processors have spent on the process.
    pub(crate) fn cpu_time(&self) -> Result<Duration, Box<dyn Error>> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, which stands in brackets, may have spaces. The two times are fields 14 and 15, counted from 1.
        let (_, fields) = stat.rsplit_once(')').ok_or("a stat without a name")?;
        let times = fields.split_whitespace().skip(11).take(2);
        let ticks = times.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
        Ok(Duration::from_secs(1) * ticks / TICKS)
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&mut self, deadline: Duration) -> io::Result<()> {
        writeln!(self.input, "{}", deadline.as_secs_f64())
    }

    /// Waits until the server has stopped.
    pub(crate) fn ended(&mut self) -> Result<Ended, Box<dyn Error>> {
        self.line()?.parse()
    }

    fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let line = self.output.recv_timeout(PATIENCE);
        Ok(line.map_err(|_| "the server says nothing any more")??)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines in a thread of its own, since a read has no time-out.
fn lines(output: ChildStdout) -> Receiver<io::Result<String>> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(output)
            .lines()
            .try_for_each(|line| sender.send(line))
    });
    lines
}
