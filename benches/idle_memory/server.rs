use std::cell::RefCell;
use std::env;
use std::error::Error as StdError;
use std::fs;
use std::future::poll_fn;
use std::io::{self, BufRead as _, BufReader};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::{Poll, ready};

use tidewire_tokio::{DeflateBuilder, Error, WebSocket};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::settings::Setting;

/// A server in a process of its own, which ends with this value.
pub(crate) struct ServerProcess {
    child: Child,
    port: u16,
}

impl ServerProcess {
    pub(crate) fn start(setting: &Setting) -> Result<Self, Box<dyn StdError>> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", setting.name])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let port = line.trim().parse();
        let server = Self {
            child,
            port: *port.as_ref().unwrap_or(&0),
        };
        port?;
        Ok(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The resident bytes of the process.
    ///
    /// The kernel adds them up on the spot: those in `status` are kept by core and lag behind by up to 256 KiB.
    pub(crate) fn resident(&self) -> Result<i64, Box<dyn StdError>> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let resident = rollup
            .lines()
            .find_map(|line| line.strip_prefix("Rss:")?.strip_suffix("kB"))
            .ok_or("Rss is not in smaps_rollup")?;
        Ok(resident.trim().parse::<i64>()? * 1024)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server of a setting: prints its port, and runs on one thread until the process is killed.
pub(crate) fn run(setting: &Setting) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            println!("{}", listener.local_addr()?.port());
            (setting.serve)(listener).await
        })
}

/// Echoes bytes, with one input buffer for the thread.
pub(crate) async fn raw_tokio(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo_bytes(stream));
    }
}

async fn echo_bytes(mut stream: TcpStream) -> io::Result<()> {
    thread_local! {
        static INPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
    }
    loop {
        let bytes = poll_fn(|cx| {
            INPUT.with_borrow_mut(|input| {
                let mut input = ReadBuf::new(input);
                ready!(Pin::new(&mut stream).poll_read(cx, &mut input))?;
                Poll::Ready(io::Result::Ok(input.filled().to_vec()))
            })
        })
        .await?;
        if bytes.is_empty() {
            return Ok(());
        }
        stream.write_all(&bytes).await?;
    }
}

/// Echoes messages, as the README shows it.
pub(crate) async fn tidewire_tokio(listener: TcpListener) -> io::Result<()> {
    tidewire_tokio::serve(listener, echo).await.map(drop)
}

/// The same, and compresses.
pub(crate) async fn tidewire_deflating(listener: TcpListener, deflate: DeflateBuilder) -> io::Result<()> {
    let deflate = deflate.build().map_err(io::Error::other)?;
    tidewire_tokio::serve(listener, echo)
        .deflate(deflate)
        .await
        .map(drop)
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}
