use std::env;
use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidewire_benches::process;
use tidewire_tokio::{Config, Error as Ended, Room, WebSocket, WhenFull, serve};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;
use tokio::task;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// The payload of a message: zeros, and at its end when it was sent.
const PAYLOAD: usize = 200;
/// The same with its header.
pub(crate) const FRAME: usize = PAYLOAD + 4;
/// How many messages wait for a slow member at most.
const CAPACITY: usize = 16;
/// What slow members are filled with before anything is measured, a message.
const FILLING: usize = 4 * 1024;
/// The bytes that the kernel takes for a member that does not read.
const SEND_BUFFER: u32 = 16 * 1024;
/// How long the last message may be on its way.
const REST: Duration = Duration::from_secs(1);

/// The time, which is the same in both processes.
pub(crate) fn since_epoch() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A server in a process of its own, which ends with this value.
pub(crate) struct ServerProcess {
    child: Child,
    port: u16,
}

/// The messages that a server sends.
pub(crate) struct Sending(BufReader<ChildStdout>);

/// What became of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) sent: u64,
    pub(crate) waited: u64,
    pub(crate) dropped: u64,
}

impl ServerProcess {
    pub(crate) fn start(messages: u64, rate: u64) -> Result<(Self, Sending), Box<dyn Error>> {
        let child = Command::new(env::current_exe()?)
            .args(["serve", &messages.to_string(), &rate.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // Made first, so that the process ends with it whatever fails below.
        let mut server = Self { child, port: 0 };
        let stdout = server.child.stdout.take();
        let mut sending = Sending(BufReader::new(stdout.ok_or("the server has no standard output")?));
        server.port = sending.next_line()?.parse()?;
        Ok((server, sending))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Has it send its messages, once it has so many members.
    pub(crate) fn begin(&mut self, members: usize) -> io::Result<()> {
        let stdin = self.child.stdin.as_mut();
        stdin.map_or(Ok(()), |stdin| writeln!(stdin, "{members}"))
    }

    /// The time that the processor has spent on it.
    pub(crate) fn processor_time(&self) -> Result<Duration, Box<dyn Error>> {
        process::processor_time(self.child.id())
    }

    /// The resident bytes of the process.
    pub(crate) fn resident(&self) -> Result<i64, Box<dyn Error>> {
        process::resident(self.child.id())
    }
}

impl Sending {
    /// Waits until all were sent and had time to arrive.
    pub(crate) fn wait(mut self) -> io::Result<Report> {
        let line = self.next_line()?;
        let mut counts = line.split(' ').map(str::parse);
        let mut next = || {
            counts
                .next()
                .and_then(Result::ok)
                .ok_or(io::ErrorKind::InvalidData)
        };
        Ok(Report {
            sent: next()?,
            waited: next()?,
            dropped: next()?,
        })
    }

    fn next_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server: prints its port, waits to be told how many members there are, sends, prints what became of it, and
/// runs until the process is killed.
pub(crate) fn run(messages: u64, pause: Duration) -> Result<(), Box<dyn Error>> {
    let room = Room::builder()
        .capacity(CAPACITY)
        .when_full(WhenFull::DropOldest)
        .build()?;
    let filling = Room::builder().when_full(WhenFull::KeepLatest).build()?;
    // Slow members are to stay for as long as it takes.
    let config = Config::builder().keepalive(None).write_timeout(None).build()?;
    let handler = {
        let (room, filling) = (room.clone(), filling.clone());
        move |ws| member(ws, room.clone(), filling.clone())
    };
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.set_send_buffer_size(SEND_BUFFER)?;
            socket.bind(([127, 0, 0, 1], 0).into())?;
            let listener = socket.listen(1024)?;
            println!("{}", listener.local_addr()?.port());
            tokio::spawn(serve(listener, handler).config(config).into_future());
            let members = task::spawn_blocking(members).await??;
            while room.len() < members {
                sleep(Duration::from_millis(10)).await;
            }
            while filling.send(vec![0; FILLING]).sent > 0 {
                task::yield_now().await;
            }
            let mut tick = interval(pause);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for _ in 0..messages {
                tick.tick().await;
                let mut payload = vec![0; PAYLOAD - 8];
                payload.extend(since_epoch().to_be_bytes());
                room.send(payload);
            }
            sleep(REST).await;
            let became = room.metrics();
            println!("{} {} {}", became.sent, became.queued, became.dropped_oldest);
            std::future::pending().await
        })
}

/// How many members there are to be.
fn members() -> Result<usize, String> {
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    line.trim().parse().map_err(|error| format!("{line:?}: {error}"))
}

/// A member, which says by its path that it will not read.
async fn member(mut ws: WebSocket, room: Room, filling: Room) -> Result<(), Ended> {
    let is_slow = ws
        .handshake()
        .request()
        .is_some_and(|request| request.target() == "/slow");
    let _filled = is_slow.then(|| filling.join(&ws));
    let _membership = room.join(&ws);
    while ws.recv().await?.is_some() {}
    Ok(())
}
