use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The packages of Python that the scripts are written for, each with its version: `websockets==17.4`.
const REQUIREMENTS: &str = include_str!("../../interop/requirements.txt");

/// Prints all packages that a Python has, as the requirements do.
const INSTALLED: &str = "\
from importlib.metadata import distributions
for each in distributions():
    print(each.name, each.version, sep='==')
";

/// The Python of `TIDEWIRE_PYTHON`, or `python3`, where it has these packages in the required versions; otherwise `None`,
/// which is printed.
pub fn python_with(packages: &[&str]) -> Option<&'static str> {
    static PYTHON: OnceLock<(String, String)> = OnceLock::new();
    let (python, installed) = PYTHON.get_or_init(|| {
        let python = std::env::var("TIDEWIRE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let output = Command::new(&python).args(["-c", INSTALLED]).output();
        let installed = output.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).into(),
        );
        (python, installed)
    });
    let missing = packages
        .iter()
        .map(|package| required(package))
        .find(|required| !installed.lines().any(|have| have.eq_ignore_ascii_case(required)));
    if let Some(missing) = missing {
        println!("skipped: no Python with {missing}");
        return None;
    }
    Some(python)
}

/// The line of a package.
fn required(package: &str) -> &'static str {
    let is_of = |line: &&str| line.split_once("==").is_some_and(|(name, _)| name == package);
    REQUIREMENTS
        .lines()
        .find(is_of)
        .expect("a package of the requirements")
}

/// A Python that has `websockets`.
pub fn python() -> Option<&'static str> {
    python_with(&["websockets"])
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

    /// Where each of them is.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.ports.iter().map(|port| (Ipv4Addr::LOCALHOST, *port).into())
    }

    /// Where each of them is, without a path.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.addresses().map(|address| format!("ws://{address}"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
