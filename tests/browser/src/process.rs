use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use crate::BrowserResult;
use crate::tools::{PATIENCE, left};

/// Nothing that a user would see, nothing that talks to anybody, and no sandbox, which root cannot have.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Any free port; it says which.
    "--remote-debugging-port=0",
];

/// Chromium, running with a profile of its own; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Ends with the last process of the browser, all of which have inherited it.
    chatter: Receiver<String>,
    /// Removed last, when nobody writes there any more.
    _profile: TempDir,
}

impl Process {
    /// Starts it; `None`, which is printed, where it is not installed.
    pub(crate) fn start() -> BrowserResult<Option<Self>> {
        let profile = TempDir::with_prefix("tidewire-browser-")?;
        let mut folder = OsString::from("--user-data-dir=");
        folder.push(profile.path());
        let started = Command::new("chromium")
            .args(FLAGS)
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match started {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("skipped: chromium is not installed");
                return Ok(None);
            }
            started => started?,
        };
        let stderr = child.stderr.take().expect("it was piped");
        Ok(Some(Self {
            child,
            chatter: lines_of(stderr),
            _profile: profile,
        }))
    }

    /// Reads the line that says where it is told what to do.
    pub(crate) fn url(&self) -> BrowserResult<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.chatter.recv_timeout(left(deadline))?;
            if let Some(url) = line.strip_prefix("DevTools listening on ") {
                return Ok(url.to_owned());
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its other processes leave when they miss it, and until then they write into the profile.
        let deadline = Instant::now() + PATIENCE;
        while self.chatter.recv_timeout(left(deadline)).is_ok() {}
    }
}

/// Reads lines as they come, so that who writes them never waits.
fn lines_of(stderr: ChildStderr) -> Receiver<String> {
    let (tell, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    lines
}
