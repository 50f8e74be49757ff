//! WebSocket servers and clients on tokio.
#![forbid(unsafe_code)]

mod calls;
mod clock;
mod driver;
mod open;
mod pieces;
mod pool;
mod serve;
mod shared;
mod split;
mod state;
mod stream;
mod wakers;
mod websocket;

pub use open::{Accept, Connect, accept, connect};
pub use pieces::{PieceWriter, Pieces};
pub use serve::{Served, Server, ServerHandle, serve};
pub use split::{Receiver, Sender};
pub use state::Transport;
pub use websocket::WebSocket;

pub use bytes::Bytes;
pub use tidewire_common::proto::handshake::{
    Fields, HeadLimits, Request, RequestError, Response, ResponseError,
};
pub use tidewire_common::proto::{
    CloseCode, CloseNote, Closed, ConfigError, Keepalive, Kind, Limits, Phase, ProtocolError, SendError,
    Side, cut_reason,
};
pub use tidewire_common::{
    Config, ConfigBuilder, ConnectionId, Error, Handshake, HandshakeError, Message, Metrics, ServerPolicy,
    Traffic, TrySendError, UrlError,
};
