//! A server as a process, and what it has used up.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cores;
use crate::stream::PATIENCE;

/// How long a server is left alone before it is read what it used: the kernel adds that up when a thread goes to sleep.
const SETTLE: Duration = Duration::from_millis(3);

/// How often resident bytes are read while something goes on.
const SAMPLED: Duration = Duration::from_millis(20);

/// A server in a process of its own, on a core of its own, which ends with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    port: u16,
}

/// What became of starting a server.
#[derive(Debug)]
pub(crate) enum Started {
    Running(Process),
    /// The server was not made for it, and says why.
    Unsupported(String),
}

impl Process {
    /// Starts the server and waits until it listens.
    pub(crate) fn start(binary: &Path, arguments: &[&str]) -> Result<Started> {
        let child = cores::with_server_core(|| {
            Command::new(binary)
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
        })?
        .with_context(|| format!("{} does not start", binary.display()))?;
        // From here on the process ends with the value, whatever happens.
        let mut process = Self { child, port: 0 };
        let stdout = process.child.stdout.take().context("no standard output")?;
        let mut ready = [PollFd::new(&stdout, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE)?;
        ensure!(poll(&mut ready, Some(&patience))? > 0, "server prints no port");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if let Some(why) = line.trim().strip_prefix("unsupported: ") {
            return Ok(Started::Unsupported(why.to_owned()));
        }
        process.port = line
            .trim()
            .parse()
            .with_context(|| format!("server prints {line:?}"))?;
        Ok(Started::Running(process))
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Gives the time that all threads were running meanwhile, in user code and in the kernel.
    ///
    /// One that ends is not counted any more: a server with a thread for each connection must keep them.
    pub(crate) fn cpu_during<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
        let before = self.cpu()?;
        let done = work()?;
        let cpu = self.cpu()?.checked_sub(before).context("threads have ended")?;
        Ok((done, cpu))
    }

    /// Gives the most resident bytes that were seen meanwhile.
    pub(crate) fn resident_during<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<(T, i64)> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let sampling = scope.spawn(|| {
                let mut most = 0;
                while !over.load(Ordering::Relaxed) {
                    most = self.resident()?.max(most);
                    thread::sleep(SAMPLED);
                }
                Ok::<_, Error>(self.resident()?.max(most))
            });
            let done = work();
            over.store(true, Ordering::Relaxed);
            let most = sampling.join().expect("nothing in it panics");
            Ok((done?, most?))
        })
    }

    fn cpu(&self) -> Result<Duration> {
        thread::sleep(SETTLE);
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let Ok(schedstat) = fs::read_to_string(task?.path().join("schedstat")) else {
                continue; // ended meanwhile
            };
            let Some(Ok(running)) = schedstat.split(' ').next().map(str::parse::<u64>) else {
                bail!("schedstat is {schedstat:?}");
            };
            sum += running;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// The resident bytes.
    ///
    /// The kernel adds them up on the spot: those in `status` are kept by core and lag behind by up to 256 KiB.
    pub(crate) fn resident(&self) -> Result<i64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let resident = rollup
            .lines()
            .find_map(|line| line.strip_prefix("Rss:")?.strip_suffix("kB"))
            .context("Rss is not in smaps_rollup")?;
        Ok(resident.trim().parse::<i64>()? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
