//! What the tidewire adapters share, free of any runtime.
//!
//! An adapter moves bytes and waits; everything it would otherwise decide twice, once for tasks and once for
//! threads, is here: [`Session`], the state of one connection with its queues, [`Accepting`] and [`Opening`], the
//! two sides of the opening handshake, and the types that users see: [`Message`], [`Error`], [`Config`].
//!
//! Applications name these through `tidewire`, not through this crate.

#[cfg(not(unix))]
compile_error!("the adapters are for Unix systems; tidewire-proto compiles anywhere");

mod addressee;
mod addresses;
mod broadcast;
mod client;
mod codec_pool;
mod config;
mod credentials;
mod deflate;
mod error;
mod extension;
mod handshake;
mod handshake_stage;
#[cfg(feature = "json")]
mod json;
pub mod listen;
mod log;
mod masks;
mod message;
mod metrics;
mod network;
#[cfg(not(feature = "tls"))]
mod no_tls;
mod outgoing;
mod pings;
mod queue;
#[cfg(any(feature = "dangerous-raw-frames", feature = "test-util"))]
pub mod raw;
mod room;
mod server;
mod session;
mod spare;
mod stores;
#[cfg(feature = "test-util")]
pub mod test;
#[cfg(feature = "tls")]
mod tls;
mod tls_failure;

pub use addressee::{Addressee, Reached};
pub use addresses::Addresses;
pub use broadcast::{Broadcast, broadcast};
pub use client::proxy::{
    Detour, Endpoint, InvalidProxy, InvalidVariable, Proxy, ProxyChoice, ProxyVariables, Tunnel, TunnelError,
    TunnelFault,
};
pub use client::{
    AfterError, ApplicationError, ApplicationHandle, Attempts, Authorization, Backoff, Callback,
    CallbackError, Callbacks, ClientSettings, Connecting, Direction, Http2Error, Journey, OnStop, Opening,
    ReconnectEvent, RedirectError, Retry, Scheme, StopToken, Stopped, Target, Trace, TracedFrame, Tracer,
    dial,
};
pub use codec_pool::CodecPool;
pub use config::{Config, ConfigBuilder};
pub use credentials::Credentials;
pub use deflate::{Deflate, DeflateBuilder};
pub use error::{Error, HandshakeError, TrySendError, UrlError};
pub use handshake::{ConnectionId, Handshake, Negotiated};
pub use handshake_stage::HandshakeStage;
#[cfg(feature = "json")]
pub use json::{JsonError, JsonFault};
pub use masks::SystemMasks;
pub use message::Message;
pub use metrics::{Metrics, ServerMetrics, Traffic};
pub use network::InvalidNetwork;
#[cfg(not(feature = "tls"))]
pub use no_tls::ClientTls;
pub use outgoing::{Outgoing, Prepared};
pub use pings::Control;
pub use queue::{Chunk, Item};
pub use room::{Deliveries, Membership, Room, RoomBuilder, WhenFull};
pub use server::{
    Accepting, Admission, Admissions, Answer, Asked, BasicAuth, Begun, Caps, Challenge, Consent, Declined,
    Farewell, Hosted, Interruptions, InvalidOrigin, InvalidRoute, MOST_WAITING, Origins, PathParameters,
    Preface, Proxied, ProxyError, ProxyHeader, ProxyProtocol, ReadHeader, Refused, Routes, Served,
    ServerControl, ServerHandle, ServerPolicy, Standing, TrustedProxies, Wire,
};
pub use session::{MessageStore, SLICES, Session, Unsent};
#[cfg(feature = "tls")]
pub use tls::{ClientTls, PlatformTls, ServerTls, TlsError, TlsFault, TlsMaterial};
pub use tls_failure::{TlsFailure, TlsReason};

pub use tidewire_proto as proto;

pub use socket2;

#[cfg(feature = "tls")]
pub use rustls;
#[cfg(feature = "json")]
pub use serde;

/// What an adapter shows its users of this crate and of the core: the same in each.
pub mod public {
    pub use bytes::Bytes;
    #[cfg(feature = "dangerous-raw-frames")]
    pub use tidewire_proto::MaskSource;
    pub use tidewire_proto::deflate::ParameterError;
    pub use tidewire_proto::extension;
    pub use tidewire_proto::handshake::{
        Fields, HeadLimits, HttpVersion, InvalidField, Malformed, Request, RequestError, Response,
        ResponseError,
    };
    pub use tidewire_proto::{
        CloseCode, CloseNote, Closed, ConfigError, Keepalive, Kind, Limits, MAX_PINGS, MAX_REASON, Phase,
        ProtocolError, SendError, Side, cut_reason,
    };

    #[cfg(feature = "json")]
    pub use crate::{JsonError, JsonFault};

    #[cfg(feature = "tls")]
    pub use crate::{ClientTls, ServerTls, TlsError, TlsFault, TlsMaterial, rustls};

    pub use crate::client::proxy::{
        InvalidProxy, InvalidVariable, Proxy, ProxyChoice, ProxyVariables, TunnelError, TunnelFault,
    };
    pub use crate::dial::{Destination, DialError, SocketOptions};
    pub use crate::{Scheme, socket2};

    pub use crate::{
        Addressee, AfterError, Answer, ApplicationError, Backoff, BasicAuth, Broadcast, Callback,
        CallbackError, Caps, Config, ConfigBuilder, ConnectionId, Credentials, Deflate, DeflateBuilder,
        Deliveries, Direction, Error, Handshake, HandshakeError, HandshakeStage, Http2Error, InvalidNetwork,
        InvalidOrigin, InvalidRoute, Membership, Message, Metrics, OnStop, Origins, Outgoing, PathParameters,
        Prepared, Proxied, ProxyError, ProxyProtocol, ReconnectEvent, RedirectError, Retry, Room,
        RoomBuilder, Served, ServerMetrics, ServerPolicy, StopToken, Stopped, TlsFailure, TlsReason,
        TracedFrame, Traffic, TrustedProxies, TrySendError, UrlError, WhenFull, broadcast,
    };
}
