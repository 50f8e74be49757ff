use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The version of `websockets` that the scripts are written for.
const WEBSOCKETS: &str = "17.4";

/// A Python that has `websockets`: `TIDEWIRE_PYTHON`, or `python3` where that has the package.
pub fn python() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    PYTHON
        .get_or_init(|| {
            let python = std::env::var("TIDEWIRE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
            let check = format!("import websockets; assert websockets.__version__ == '{WEBSOCKETS}'");
            let output = Command::new(&python).args(["-c", &check]).output().ok()?;
            output.status.success().then_some(python)
        })
        .as_deref()
        .or_else(|| {
            println!("skipped: no Python with websockets {WEBSOCKETS}");
            None
        })
}

/// The version of `ws` that the scripts are written for.
const WS: &str = "8.23.0";

/// A Node for the scripts, where `TIDEWIRE_NODE_MODULES` is the folder that has `ws`.
///
/// # Panics
/// Where that folder has another version or none: a test that is asked for is not skipped.
pub fn node() -> Option<&'static str> {
    let Ok(modules) = std::env::var("TIDEWIRE_NODE_MODULES") else {
        println!("skipped: no TIDEWIRE_NODE_MODULES with ws {WS}");
        return None;
    };
    let manifest = std::fs::read_to_string(format!("{modules}/ws/package.json")).expect("a folder with ws");
    assert!(
        manifest.contains(&format!("\"version\": \"{WS}\"")),
        "ws is not {WS}"
    );
    Some("node")
}

/// Runs a script of `tests/interop` by this program.
pub fn script(program: &str, name: &str) -> Command {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "interop", name].iter().collect();
    let mut command = Command::new(program);
    command.arg(path).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Runs a command to its end and gives what it printed.
///
/// # Panics
/// Where it does not succeed, with `who` and what it said.
pub fn succeed(who: &str, command: &mut Command) -> String {
    let output = command.output().expect("an installed program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{who}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// Servers of another implementation, in one process; it ends with its standard input.
#[derive(Debug)]
pub struct Servers {
    process: Child,
    ports: Vec<u16>,
}

impl Servers {
    /// Starts them.
    ///
    /// # Panics
    /// Where their first line is not their ports.
    pub fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("an installed program");
        let mut line = String::new();
        let output = process.stdout.as_mut().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let ports = line.split_whitespace().map(|port| port.parse().expect("a port"));
        let ports = ports.collect();
        Self { process, ports }
    }

    /// Where each of them is, without a path.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.ports.iter().map(|port| format!("ws://127.0.0.1:{port}"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
