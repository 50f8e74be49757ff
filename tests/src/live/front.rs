use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::place::Place;
use super::proxy::Proxy;

/// How long a proxy may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks whether it does, of which it tells nobody.
const LOOK: Duration = Duration::from_millis(5);

/// Runs a program until standard input ends: so it is gone, too, where the process of a test ended without a word.
const UNTIL_INPUT_ENDS: &str =
    "exec 3<&0; \"$@\" & program=$!; (cat <&3 >/dev/null; kill $program 2>/dev/null) & wait $program";

/// A proxy that runs on loopback in front of one server, and ends with this.
#[derive(Debug)]
pub struct Front {
    process: Child,
    place: Place,
}

impl Front {
    /// Starts a proxy that cuts connections over which nothing passes for `idle`; `None`, which is printed, where it is not
    /// installed.
    ///
    /// # Panics
    /// Where it does not listen soon, with what it said.
    pub fn start(proxy: Proxy, server: SocketAddr, idle: Duration) -> Option<Self> {
        let program = proxy.program()?;
        let place = Place::make();
        let configuration = proxy.configuration(&place, server, idle);
        fs::write(place.folder.join(proxy.file()), configuration).expect("a file");
        let log = File::create(place.log()).expect("a file");
        let process = Command::new("sh")
            .args(["-c", UNTIL_INPUT_ENDS, "sh"])
            .arg(program)
            .args(proxy.arguments(&place.folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a shell");
        let mut front = Self { process, place };
        front.wait();
        Some(front)
    }

    /// Where it takes WebSocket as it is.
    pub fn plain(&self) -> SocketAddr {
        self.place.plain
    }

    /// Where it takes it over TLS, as `localhost`.
    pub fn tls(&self) -> SocketAddr {
        self.place.tls
    }

    /// The file of the certificate that clients are to trust.
    pub fn certificate(&self) -> PathBuf {
        self.place.certificate()
    }

    /// Waits until it listens.
    fn wait(&mut self) {
        let start = Instant::now();
        let listens = |address| TcpStream::connect(address).is_ok();
        while !(listens(self.plain()) && listens(self.tls())) {
            let ended = self.process.try_wait().expect("a child");
            assert!(
                ended.is_none() && start.elapsed() < PATIENCE,
                "{ended:?}: {}",
                fs::read_to_string(self.place.log()).unwrap_or_default()
            );
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}
