use std::process::Command;

use tidewire_tests::live::{node, python_with, script};

/// Servers of another implementation, which do what `tests/interop/server.py` says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    runs: Runs,
    script: &'static str,
    arguments: &'static [&'static str],
    /// The commands that it cannot obey, and echoes.
    cannot: &'static [&'static str],
    /// What it answers to the compression that our clients offer by default.
    pub(crate) agreed: &'static str,
}

/// What a script runs on.
#[derive(Clone, Copy, Debug)]
enum Runs {
    /// On a Python with these packages.
    Python(&'static [&'static str]),
    Node,
}

pub(crate) const WEBSOCKETS: Server = Server {
    name: "websockets",
    runs: Runs::Python(&["websockets"]),
    script: "server.py",
    arguments: &[],
    cannot: &[],
    agreed: "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
};

pub(crate) const AIOHTTP: Server = Server {
    name: "aiohttp",
    runs: Runs::Python(&["aiohttp"]),
    script: "aiohttp_server.py",
    arguments: &[],
    cannot: &["pieces"],
    agreed: "permessage-deflate",
};

pub(crate) const UVICORN: Server = Server {
    name: "uvicorn",
    runs: Runs::Python(&["uvicorn", "websockets"]),
    script: "asgi_server.py",
    arguments: &["websockets-sansio"],
    cannot: &["pieces", "ping"],
    agreed: "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
};

pub(crate) const UVICORN_WSPROTO: Server = Server {
    name: "uvicorn with wsproto",
    runs: Runs::Python(&["uvicorn", "wsproto"]),
    script: "asgi_server.py",
    arguments: &["wsproto"],
    cannot: &["pieces", "ping"],
    agreed: "permessage-deflate; client_max_window_bits=12",
};

pub(crate) const WS: Server = Server {
    name: "ws",
    runs: Runs::Node,
    script: "node/server.mjs",
    arguments: &[],
    cannot: &[],
    agreed: "permessage-deflate; client_max_window_bits=12",
};

impl Server {
    /// What starts it; `None`, which is printed, where it is not installed.
    pub(crate) fn command(&self) -> Option<Command> {
        let program = match self.runs {
            Runs::Python(packages) => python_with(packages),
            Runs::Node => node(),
        };
        let mut command = script(program?, self.script);
        command.args(self.arguments);
        Some(command)
    }

    pub(crate) fn can(&self, command: &str) -> bool {
        !self.cannot.contains(&command)
    }
}
