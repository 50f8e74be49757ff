//! The command as a child that is always ended, with every wait bounded.

use std::error::Error;
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tidewire::tokio::{Connect, HandshakeError, Socket, WebSocket};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::error::Elapsed;

pub(crate) type TestResult<T = ()> = Result<T, Box<dyn Error>>;

/// What `--runtime` can be.
pub(crate) const RUNTIMES: [&str; 2] = ["tokio", "blocking"];

/// Waits, though not for ever; generous, since a machine that builds is slow.
pub(crate) fn soon<F: IntoFuture>(future: F) -> impl Future<Output = Result<F::Output, Elapsed>> {
    tokio::time::timeout(Duration::from_secs(30), future)
}

/// The command, running; dropping it kills it.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> TestResult<Self> {
        Self::start_with(arguments, &[])
    }

    /// Starts it with variables of the environment.
    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> TestResult<Self> {
        let mut child = command(arguments).envs(variables.iter().copied()).spawn()?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, stdin, stdout })
    }

    /// The next line of standard output, without its end.
    pub(crate) async fn line(&mut self) -> TestResult<String> {
        let mut line = String::new();
        soon(self.stdout.read_line(&mut line)).await??;
        Ok(line.strip_suffix('\n').ok_or("standard output ended")?.to_owned())
    }

    /// What standard output gets until its end.
    pub(crate) async fn lines_left(&mut self) -> TestResult<String> {
        let mut lines = String::new();
        soon(self.stdout.read_to_string(&mut lines)).await??;
        Ok(lines)
    }

    pub(crate) async fn write(&mut self, text: &str) -> TestResult {
        let stdin = self.stdin.as_mut().ok_or("standard input was closed")?;
        soon(stdin.write_all(text.as_bytes())).await??;
        Ok(())
    }

    /// Does what ^D does.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn signal(&self, signal: Signal) -> TestResult {
        let id = self.child.id().ok_or("the command has ended")?;
        let pid = Pid::from_raw(id.try_into()?).ok_or("no process has the id 0")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Waits for the end: the exit code, and what standard error got.
    pub(crate) async fn ended(mut self) -> TestResult<(Option<i32>, String)> {
        let mut stderr = self.child.stderr.take().ok_or("no standard error")?;
        let mut said = String::new();
        soon(stderr.read_to_string(&mut said)).await??;
        let status = soon(self.child.wait()).await??;
        Ok((status.code(), said))
    }
}

/// `tidewire serve` on a free port.
pub(crate) struct Server {
    running: Running,
    pub(crate) url: String,
    pub(crate) address: String,
}

impl Server {
    pub(crate) async fn start(arguments: &[&str]) -> TestResult<Self> {
        Self::start_with(arguments, &[]).await
    }

    /// Starts it with variables of the environment.
    pub(crate) async fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> TestResult<Self> {
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut running = Running::start_with(&arguments, variables)?;
        let line = running.line().await?;
        let url = line
            .strip_prefix("listening on ")
            .ok_or("another line")?
            .to_owned();
        let (_, address) = url.split_once("://").ok_or("another line")?;
        let address = address.to_owned();
        Ok(Self {
            running,
            url,
            address,
        })
    }

    /// Tells it to stop, and waits until it has: the exit code, and what standard error got.
    pub(crate) async fn stop(self, signal: Signal) -> TestResult<(Option<i32>, String)> {
        self.running.signal(signal)?;
        self.running.ended().await
    }
}

/// The answer to a request that is no upgrade.
pub(crate) async fn answer_to(address: &str, request: &str) -> TestResult<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    soon(stream.read_to_string(&mut response)).await??;
    Ok(response)
}

/// Connects over a stream that leads to a server.
pub(crate) async fn connect_over(stream: impl Into<Socket>) -> TestResult<Result<WebSocket, HandshakeError>> {
    let connect = Connect::new("ws://localhost/");
    Ok(soon(connect.over(stream.into())).await?)
}

/// Sees a message come back.
pub(crate) async fn check_echo(mut ws: WebSocket, row: &str) -> TestResult {
    soon(ws.send("hello")).await??;
    assert_eq!(soon(ws.recv()).await??, Some("hello".into()), "{row}");
    Ok(())
}

/// Runs the command to its end, without input.
pub(crate) async fn run(arguments: &[&str]) -> TestResult<Output> {
    run_with_input(arguments, "").await
}

/// Runs the command to its end.
pub(crate) async fn run_with_input(arguments: &[&str], input: &str) -> TestResult<Output> {
    let mut child = command(arguments).spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    Ok(soon(child.wait_with_output()).await??)
}

pub(crate) fn text_of(output: &[u8]) -> TestResult<&str> {
    Ok(str::from_utf8(output)?)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidewire"));
    command
        .args(arguments)
        .env_remove("TIDEWIRE_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
