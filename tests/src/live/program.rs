use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks whether it does, of which it tells nobody.
const LOOK: Duration = Duration::from_millis(5);

/// Runs a program until standard input ends: so it is gone, too, where the process of a test ended without a word.
const UNTIL_INPUT_ENDS: &str =
    "exec 3<&0; \"$@\" & program=$!; (cat <&3 >/dev/null; kill $program 2>/dev/null) & wait $program";

/// A server that somebody else has written; ends with this.
#[derive(Debug)]
pub struct Program {
    process: Child,
}

impl Program {
    /// Where one is that is installed; `None`, which is printed, where it is not.
    pub fn find(name: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Where Debian has them, and only root looks.
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        let program = folders
            .map(|folder| folder.join(name))
            .find(|path| path.is_file());
        if program.is_none() {
            println!("skipped: {name} is not installed");
        }
        program
    }

    /// Starts one in the foreground, and waits until it listens at all these addresses. What it says goes to the log.
    ///
    /// # Panics
    /// Where it does not listen soon, with what it said.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        addresses: &[SocketAddr],
        log: &Path,
    ) -> Self {
        let process = Command::new("sh")
            .args(["-c", UNTIL_INPUT_ENDS, "sh"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(log).expect("a file"))
            .spawn()
            .expect("a shell");
        let mut started = Self { process };
        started.wait(addresses, log);
        started
    }

    fn wait(&mut self, addresses: &[SocketAddr], log: &Path) {
        let start = Instant::now();
        while !addresses
            .iter()
            .all(|address| TcpStream::connect(address).is_ok())
        {
            let ended = self.process.try_wait().expect("a child");
            assert!(
                ended.is_none() && start.elapsed() < PATIENCE,
                "{ended:?}: {}",
                fs::read_to_string(log).unwrap_or_default()
            );
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}
