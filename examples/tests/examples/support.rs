//! An example as a child that is always ended, in bounded time.

use std::env;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

pub(crate) type TestResult<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long an example may run; generous, since a machine that builds is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// An example, running; killed when dropped, or when patience ends: then its output ends, and so do its connections.
pub(crate) struct Example {
    child: Arc<Mutex<Child>>,
    stdout: BufReader<ChildStdout>,
    /// Dropped with the rest, which tells the watchdog to leave.
    _watched: Sender<()>,
}

impl Example {
    pub(crate) fn start(name: &str, arguments: &[&str]) -> TestResult<Self> {
        let program = program(name)?;
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let child = Arc::new(Mutex::new(child));
        let watched = watch(child.clone());
        Ok(Self {
            child,
            stdout,
            _watched: watched,
        })
    }

    /// Where a server says that it listens.
    pub(crate) fn url(&mut self) -> TestResult<String> {
        let line = self.line()?;
        let url = line.strip_prefix("listening on ");
        Ok(url.ok_or_else(|| format!("another line: {line:?}"))?.to_owned())
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> TestResult<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.strip_suffix('\n').ok_or("standard output ended")?.to_owned())
    }

    /// Tells it to end, as `kill` does.
    pub(crate) fn terminate(&self) -> TestResult {
        // Held meanwhile, so that the id is still its own.
        let child = lock(&self.child);
        let id = Pid::from_raw(child.id().try_into()?).ok_or("no process has the id 0")?;
        Ok(kill_process(id, Signal::TERM)?)
    }

    /// Waits for a good end, and gives all that was printed.
    pub(crate) fn all_lines(mut self) -> TestResult<Vec<String>> {
        let lines = self.stdout.by_ref().lines().collect::<Result<_, _>>()?;
        let status = lock(&self.child).wait()?;
        if status.success() {
            Ok(lines)
        } else {
            Err(format!("ended with {status} after {lines:?}").into())
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        end(&self.child);
    }
}

/// What the server of a `ws://` URL responds to a request for a page.
pub(crate) fn get(url: &str, path: &str) -> TestResult<String> {
    let mut stream = TcpStream::connect(url.trim_start_matches("ws://"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

/// `cargo test` builds the examples beside the folder that its tests are in.
fn program(name: &str) -> TestResult<PathBuf> {
    let test = env::current_exe()?;
    let profile = test
        .parent()
        .and_then(|deps| deps.parent())
        .ok_or("no target folder")?;
    Ok(profile
        .join("examples")
        .join(name)
        .with_extension(env::consts::EXE_EXTENSION))
}

fn watch(child: Arc<Mutex<Child>>) -> Sender<()> {
    let (watched, rx) = mpsc::channel();
    thread::spawn(move || {
        if rx.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            end(&child);
        }
    });
    watched
}

fn end(child: &Mutex<Child>) {
    let mut child = lock(child);
    // Where it has ended already there is nothing to kill.
    let _ = child.kill();
    let _ = child.wait();
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}
