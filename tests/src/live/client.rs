use std::future::IntoFuture as _;
use std::time::Duration;

use tidewire_blocking as blocking;
use tidewire_tokio::{Closed, Error, Handshake, HandshakeError, Kind, Message, SendError, Traffic};
use tokio::runtime::Runtime;

/// One of our adapters.
#[derive(Clone, Copy, Debug)]
pub enum Adapter {
    /// `tidewire_tokio`.
    Tokio,
    /// `tidewire_blocking`.
    Blocking,
}

/// Both of them.
pub const ADAPTERS: [Adapter; 2] = [Adapter::Tokio, Adapter::Blocking];

/// A client of either adapter, as calls that block.
#[derive(Debug)]
pub enum Client {
    /// Of tokio, with what drives it.
    Tokio(Runtime, tidewire_tokio::WebSocket),
    /// Of threads.
    Blocking(blocking::WebSocket),
}

/// Connects by an adapter, with the same settings by each: `connect_by!(adapter, url, cookie("a", "b"), redirects(3))`.
#[macro_export]
macro_rules! connect_by {
    ($adapter:expr, $url:expr $(, $setter:ident($($argument:expr),* $(,)?))* $(,)?) => {
        match $adapter {
            $crate::live::Adapter::Tokio => {
                $crate::live::Client::on_tokio(::tidewire_tokio::connect($url)$(.$setter($($argument),*))*)
            }
            $crate::live::Adapter::Blocking => {
                $crate::live::Client::on_threads(&::tidewire_blocking::connect($url)$(.$setter($($argument),*))*)
            }
        }
    };
}

/// Calls the method of that name of either client.
macro_rules! either {
    ($client:expr, $name:ident($($argument:expr),*)) => {
        match $client {
            Client::Tokio(runtime, ws) => runtime.block_on(ws.$name($($argument),*)),
            Client::Blocking(ws) => ws.$name($($argument),*),
        }
    };
}

impl Client {
    /// Connects on a runtime of its own.
    ///
    /// # Errors
    /// Those of the handshake.
    pub fn on_tokio(connect: tidewire_tokio::Connect) -> Result<Self, HandshakeError> {
        let runtime = Runtime::new()?;
        let ws = runtime.block_on(connect.into_future())?;
        Ok(Self::Tokio(runtime, ws))
    }

    /// Connects.
    ///
    /// # Errors
    /// Those of the handshake.
    pub fn on_threads(connect: &blocking::Connect) -> Result<Self, HandshakeError> {
        connect.open().map(Self::Blocking)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// As the connection ends.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        either!(self, send(message))
    }

    /// Waits for a message.
    ///
    /// # Errors
    /// As the connection ends.
    pub fn recv(&mut self) -> Result<Option<Message>, Error> {
        either!(self, recv())
    }

    /// Waits for the answer to a Ping.
    ///
    /// # Errors
    /// As the connection ends.
    pub fn ping(&self) -> Result<Duration, Error> {
        either!(self, ping())
    }

    /// Begins the closing handshake.
    ///
    /// # Errors
    /// For a code or reason that may not be sent.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), SendError> {
        either!(self, close(code, reason))
    }

    /// Waits for the end.
    pub fn wait_closed(&self) -> Closed {
        either!(self, wait_closed())
    }

    /// Sends one text in three frames.
    ///
    /// # Errors
    /// As the connection ends.
    pub fn send_in_pieces(&self, pieces: [&str; 3]) -> Result<(), Error> {
        let [first, second, last] = pieces;
        match self {
            Self::Tokio(runtime, ws) => runtime.block_on(async {
                let mut writer = ws.send_pieces(Kind::Text).await?;
                writer.write(first).await?;
                writer.write(second).await?;
                writer.finish_with(last).await
            }),
            Self::Blocking(ws) => {
                let mut writer = ws.send_pieces(Kind::Text)?;
                writer.write(first)?;
                writer.write(second)?;
                writer.finish_with(last)
            }
        }
    }

    /// What the last round trip took.
    pub fn latency(&self) -> Option<Duration> {
        match self {
            Self::Tokio(_, ws) => ws.latency(),
            Self::Blocking(ws) => ws.latency(),
        }
    }

    /// What the opening handshake said.
    pub fn handshake(&self) -> Handshake {
        match self {
            Self::Tokio(_, ws) => ws.handshake(),
            Self::Blocking(ws) => ws.handshake(),
        }
    }

    /// What went in and out.
    pub fn traffic(&self) -> Traffic {
        match self {
            Self::Tokio(_, ws) => ws.metrics().traffic,
            Self::Blocking(ws) => ws.metrics().traffic,
        }
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<String> {
        match self {
            Self::Tokio(_, ws) => ws.subprotocol(),
            Self::Blocking(ws) => ws.subprotocol(),
        }
    }

    /// Sends a message and gives the answer.
    ///
    /// # Panics
    /// Where the connection ends.
    pub fn ask(&mut self, message: impl Into<Message>) -> Message {
        self.send(message).expect("open");
        self.recv().expect("open").expect("an answer")
    }
}
