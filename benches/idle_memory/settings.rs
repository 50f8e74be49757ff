use std::io;
use std::net::TcpListener;

use tidewire_benches::deflate;
use tidewire_tokio::Deflate;

use crate::echo;

/// One row of the table: a server, and what a client says to it.
///
/// Another row is another entry of [`SETTINGS`]: a server that differs, and where it negotiates something, the header
/// lines that ask for it and the frames that follow from it.
pub(crate) struct Setting {
    /// The row's name; the server process is told by it which server to be.
    pub(crate) name: &'static str,
    /// The server; it runs until its process is killed.
    pub(crate) serve: fn(TcpListener) -> io::Result<()>,
    pub(crate) carrier: Carrier,
    pub(crate) talk: Talk,
}

/// What a connection is carried by.
#[derive(Clone, Copy)]
pub(crate) enum Carrier {
    Tcp,
    /// TLS over TCP; the server prints its certificate in PEM, behind its port.
    Tls,
}

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
        serve: echo::raw_tokio,
        carrier: Carrier::Tcp,
        talk: Talk::Raw,
    },
    Setting {
        name: "tidewire on tokio",
        serve: echo::tidewire_tokio,
        carrier: Carrier::Tcp,
        talk: PLAIN,
    },
    Setting {
        name: "deflate, no takeover",
        serve: |listener| {
            let deflate = Deflate::builder()
                .server_no_context_takeover()
                .client_no_context_takeover();
            echo::tidewire_deflating(listener, deflate)
        },
        carrier: Carrier::Tcp,
        talk: DEFLATE,
    },
    Setting {
        name: "deflate, takeover, 12 bits (the default)",
        serve: |listener| echo::tidewire_deflating(listener, Deflate::builder()),
        carrier: Carrier::Tcp,
        talk: DEFLATE,
    },
    Setting {
        name: "deflate, takeover, 15 bits",
        serve: |listener| {
            let deflate = Deflate::builder()
                .server_max_window_bits(15)
                .client_max_window_bits(15);
            echo::tidewire_deflating(listener, deflate)
        },
        carrier: Carrier::Tcp,
        talk: DEFLATE,
    },
    Setting {
        name: "raw tokio-rustls",
        serve: echo::raw_tls,
        carrier: Carrier::Tls,
        talk: Talk::Raw,
    },
    Setting {
        name: "tidewire on tokio-rustls",
        serve: echo::tidewire_tls,
        carrier: Carrier::Tls,
        talk: PLAIN,
    },
    Setting {
        name: "raw threads",
        serve: |listener| echo::raw_threads(&listener),
        carrier: Carrier::Tcp,
        talk: Talk::Raw,
    },
    Setting {
        name: "tidewire on threads",
        serve: echo::tidewire_blocking,
        carrier: Carrier::Tcp,
        talk: PLAIN,
    },
];
