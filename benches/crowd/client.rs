//! Clients made by hand: nothing that is judged has a part in them.

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use tidewire_benches::from_client;
use tidewire_proto::frame::Opcode;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::serve::FLOOD;

/// How many connect at a time: a listener's queue has room for them.
const AT_A_TIME: usize = 32;

/// How long a crowd may take to gather.
const PATIENCE: Duration = Duration::from_secs(120);

/// Enough for a response, and for every frame but those of a flood.
const BUFFER: usize = 256;

/// A request, in two parts.
pub(crate) const REQUEST: [&[u8]; 2] = [
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
];

/// Has the system make room for the descriptors of that many clients, while this process still has one thread.
///
/// Linux doubles the table as it fills, and has all threads that want a descriptor wait for 10 to 25 ms each time: here, that
/// would be measured as the server's.
pub(crate) fn make_room(clients: u32) -> Result<(), Box<dyn Error>> {
    let last = i32::try_from(clients)?;
    let filled = rustix::io::fcntl_dupfd_cloexec(io::stderr(), last);
    filled.map_err(|error| {
        format!("{clients} clients take as many file descriptors, see `ulimit -n`: {error}")
    })?;
    Ok(())
}

/// One of the crowd.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    /// When it began to connect.
    since: Instant,
}

impl Client {
    pub(crate) async fn connect(port: u16) -> io::Result<Self> {
        let since = Instant::now();
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(BUFFER, stream),
            since,
        })
    }

    /// How long ago it began to connect.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    pub(crate) async fn shake_hands(&mut self) -> io::Result<()> {
        self.say(&REQUEST.concat()).await?;
        self.accepted().await
    }

    /// Waits for the response to a request.
    pub(crate) async fn accepted(&mut self) -> io::Result<()> {
        match self.status().await? {
            101 => Ok(()),
            status => Err(io::Error::other(format!("the server answered with {status}"))),
        }
    }

    /// Reads a response up to its empty line; gives the status.
    pub(crate) async fn status(&mut self) -> io::Result<u16> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.ok_or_else(|| io::Error::other(head))
    }

    /// Sends a message and waits until it is back.
    pub(crate) async fn echo(&mut self) -> io::Result<()> {
        const MESSAGE: &[u8] = b"still there?";
        self.say(&from_client(Opcode::Binary, MESSAGE)).await?;
        loop {
            match self.frame().await? {
                (Opcode::Binary, payload) if payload == MESSAGE => return Ok(()),
                (Opcode::Ping, payload) => self.say(&from_client(Opcode::Pong, &payload)).await?,
                (opcode, _) => return Err(io::Error::other(format!("{opcode:?} in place of an echo"))),
            }
        }
    }

    /// Has the server send for ever, and reads nothing of it.
    pub(crate) async fn ask_for_flood(&mut self) -> io::Result<()> {
        self.say(&from_client(Opcode::Text, FLOOD.as_bytes())).await
    }

    /// Waits for the server's Close and answers it, then for the end; gives the code.
    pub(crate) async fn wait_closed(&mut self) -> io::Result<u16> {
        loop {
            match self.frame().await? {
                (Opcode::Ping, payload) => self.say(&from_client(Opcode::Pong, &payload)).await?,
                (Opcode::Close, payload) => {
                    let [first, second, ..] = payload[..] else {
                        return Err(io::Error::other("a Close without a code"));
                    };
                    self.say(&from_client(Opcode::Close, &payload[..2])).await?;
                    self.end().await?;
                    return Ok(u16::from_be_bytes([first, second]));
                }
                (opcode, _) => return Err(io::Error::other(format!("{opcode:?} in place of a Close"))),
            }
        }
    }

    /// Closes, and waits until the server has.
    pub(crate) async fn leave(mut self) -> io::Result<()> {
        self.say(&from_client(Opcode::Close, &1000_u16.to_be_bytes()))
            .await?;
        self.end().await
    }

    /// Waits for the end of the stream.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        match tokio::io::copy_buf(&mut self.stream, &mut tokio::io::sink()).await {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads a short frame of the server.
    async fn frame(&mut self) -> io::Result<(Opcode, Vec<u8>)> {
        let first = self.stream.read_u8().await?;
        let len = self.stream.read_u8().await?;
        let opcode = match first {
            0x82 => Opcode::Binary,
            0x88 => Opcode::Close,
            0x89 => Opcode::Ping,
            _ => return Err(io::Error::other(format!("a frame that begins with {first:#04x}"))),
        };
        let mut payload = vec![0; usize::from(len)];
        self.stream.read_exact(&mut payload).await?;
        Ok((opcode, payload))
    }
}

/// A runtime on this thread.
pub(crate) fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Has so many clients connect, and each do what comes first; gives all of them.
pub(crate) async fn crowd<First>(
    size: usize,
    port: u16,
    first: impl Fn(Client) -> First + Clone + 'static,
) -> io::Result<Vec<Client>>
where
    First: Future<Output = io::Result<Client>>,
{
    let local = tokio::task::LocalSet::new();
    let gathering = local.run_until(async {
        let mut openers = JoinSet::new();
        for opener in 0..AT_A_TIME {
            let first = first.clone();
            let share = size / AT_A_TIME + usize::from(opener < size % AT_A_TIME);
            openers.spawn_local(async move {
                let mut clients = Vec::with_capacity(share);
                for _ in 0..share {
                    clients.push(first(Client::connect(port).await?).await?);
                }
                io::Result::Ok(clients)
            });
        }
        let shares: io::Result<Vec<_>> = openers.join_all().await.into_iter().collect();
        Ok(shares?.into_iter().flatten().collect())
    });
    tokio::time::timeout(PATIENCE, gathering).await?
}

/// A client that has shaken hands and had a message echoed.
pub(crate) async fn greet(mut client: Client) -> io::Result<Client> {
    client.shake_hands().await?;
    client.echo().await?;
    Ok(client)
}
