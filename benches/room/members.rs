use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::task::{self, JoinSet, LocalSet};

use crate::server::{FRAME, Report, Sending, ServerProcess, since_epoch};

/// The bytes that the kernel keeps for a member that does not read, so that what waits for it waits in the server.
const SLOW_BUFFER: u32 = 4096;

/// How long each message took to each member.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The latency in milliseconds that this part of the messages did not exceed.
    pub(crate) fn quantile(&mut self, part: f64) -> f64 {
        self.0.sort_unstable();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "there are less than 2^52 messages"
        )]
        let at = (self.0.len() as f64 * part) as usize;
        let nanos = self.0.get(at.min(self.0.len().saturating_sub(1)));
        #[expect(clippy::cast_precision_loss, reason = "and none takes months")]
        nanos.map_or(0.0, |nanos| *nanos as f64 / 1e6)
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) latencies: Latencies,
    pub(crate) report: Report,
    /// The resident bytes of the server, its members still connected.
    pub(crate) resident: i64,
    /// What it took the processor to send.
    pub(crate) processor_time: Duration,
}

/// Opens the connections, and receives until the server has sent all.
pub(crate) fn receive(
    server: &mut ServerProcess,
    sending: Sending,
    fast: usize,
    slow: usize,
) -> Result<Received, Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let latencies = Rc::new(RefCell::new(Latencies::default()));
    let (report, resident, processor_time) = LocalSet::new().block_on(&runtime, async {
        let address = server.address();
        let mut deaf = Vec::with_capacity(slow);
        for _ in 0..slow {
            deaf.push(connect(address, Reads::Nothing).await?);
        }
        let mut readers = JoinSet::new();
        for _ in 0..fast {
            let stream = connect(address, Reads::All).await?;
            readers.spawn_local(read(stream, latencies.clone()));
        }
        let before = server.processor_time()?;
        server.begin(fast + slow)?;
        let report = task::spawn_blocking(|| sending.wait()).await??;
        let processor_time = server.processor_time()?.saturating_sub(before);
        Ok::<_, Box<dyn Error>>((report, server.resident()?, processor_time))
    })?;
    Ok(Received {
        latencies: latencies.take(),
        report,
        resident,
        processor_time,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    All,
    /// Nothing but the response.
    Nothing,
}

/// Connects as a member. The bytes are made by hand: nothing that is measured has a part in them.
async fn connect(address: SocketAddr, reads: Reads) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let path = match reads {
        Reads::All => "/",
        Reads::Nothing => {
            socket.set_recv_buffer_size(SLOW_BUFFER)?;
            "/slow"
        }
    };
    let mut stream = socket.connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        response.push(stream.read_u8().await?);
    }
    if response.starts_with(b"HTTP/1.1 101 ") {
        Ok(stream)
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&response)))
    }
}

/// Reads frames, and notes how old each is, until the server has gone.
async fn read(mut stream: TcpStream, latencies: Rc<RefCell<Latencies>>) {
    let mut frame = [0; FRAME];
    while stream.read_exact(&mut frame).await.is_ok() {
        let sent = frame.last_chunk().map_or(0, |stamp| u64::from_be_bytes(*stamp));
        latencies.borrow_mut().0.push(since_epoch().saturating_sub(sent));
    }
}
