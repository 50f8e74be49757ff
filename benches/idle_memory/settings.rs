use std::future::Future;
use std::io;
use std::pin::Pin;

use tidewire_benches::deflate;
use tidewire_tokio::Deflate;
use tokio::net::TcpListener;

use crate::server;

/// One row of the table: a server, and what a client says to it.
///
/// Another row is another entry of [`SETTINGS`]: a server that differs, and where it negotiates something, the header
/// lines that ask for it and the frames that follow from it.
pub(crate) struct Setting {
    /// The row's name; the server process is told by it which server to be.
    pub(crate) name: &'static str,
    pub(crate) serve: fn(TcpListener) -> Serving,
    pub(crate) talk: Talk,
}

/// A server, to be awaited; it runs until its process is killed.
pub(crate) type Serving = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// How a client talks to the server.
pub(crate) enum Talk {
    /// Bytes, without a handshake.
    Raw,
    /// A WebSocket handshake, then a message in one frame.
    WebSocket {
        /// Header lines beside those of every handshake, each with its CRLF.
        fields: &'static str,
        /// What the response must contain, in lower case.
        agreed: &'static str,
        /// Turns the message into the frame's payload.
        encode: fn(&[u8]) -> Payload,
        /// Turns the payload of the reply into the message.
        decode: fn(&Payload) -> Vec<u8>,
    },
}

/// What a frame carries.
pub(crate) struct Payload {
    pub(crate) bytes: Vec<u8>,
    /// The first reserved bit: the message is compressed.
    pub(crate) rsv1: bool,
}

const PLAIN: Talk = Talk::WebSocket {
    fields: "",
    agreed: "",
    encode: |message| Payload {
        bytes: message.to_vec(),
        rsv1: false,
    },
    decode: |payload| payload.bytes.clone(),
};

const DEFLATE: Talk = Talk::WebSocket {
    fields: "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    agreed: "permessage-deflate",
    encode: |message| Payload {
        bytes: deflate::compress(message),
        rsv1: true,
    },
    decode: |payload| {
        if payload.rsv1 {
            deflate::inflate(&payload.bytes)
        } else {
            Vec::new()
        }
    },
};

/// The rows of the table.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "raw tokio",
        serve: |listener| Box::pin(server::raw_tokio(listener)),
        talk: Talk::Raw,
    },
    Setting {
        name: "tidewire on tokio",
        serve: |listener| Box::pin(server::tidewire_tokio(listener)),
        talk: PLAIN,
    },
    Setting {
        name: "deflate, no takeover",
        serve: |listener| {
            let deflate = Deflate::builder()
                .server_no_context_takeover()
                .client_no_context_takeover();
            Box::pin(server::tidewire_deflating(listener, deflate))
        },
        talk: DEFLATE,
    },
    Setting {
        name: "deflate, takeover, 12 bits (the default)",
        serve: |listener| Box::pin(server::tidewire_deflating(listener, Deflate::builder())),
        talk: DEFLATE,
    },
    Setting {
        name: "deflate, takeover, 15 bits",
        serve: |listener| {
            let deflate = Deflate::builder()
                .server_max_window_bits(15)
                .client_max_window_bits(15);
            Box::pin(server::tidewire_deflating(listener, deflate))
        },
        talk: DEFLATE,
    },
];
