//! The servers that are known.

/// What a server takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contest {
    /// Servers that run in one thread.
    Tasks,
    /// Servers with a thread for each connection.
    Threads,
    /// Servers over TLS, in one thread.
    Tls,
}

impl Contest {
    /// The server that does the same without any protocol.
    pub(crate) fn raw(self) -> &'static str {
        match self {
            Self::Tasks => "raw_tokio",
            Self::Threads => "raw_threads",
            Self::Tls => "raw_tls",
        }
    }
}

/// A binary of the package `servers`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) contests: &'static [Contest],
}

impl Server {
    /// Whether it speaks no WebSocket.
    pub(crate) fn is_raw(&self) -> bool {
        self.name.starts_with("raw_")
    }
}

const TASKS: &[Contest] = &[Contest::Tasks, Contest::Tls];
const THREADS: &[Contest] = &[Contest::Threads];

/// All servers, in the order in which they take turns and are shown.
pub(crate) const SERVERS: &[Server] = &[
    server("raw_tokio", &[Contest::Tasks]),
    server("raw_tokio_timer", &[Contest::Tasks]),
    server("raw_tls", &[Contest::Tls]),
    server("raw_threads", THREADS),
    server("tidewire_tokio", TASKS),
    server("tidewire_blocking", THREADS),
    server("tokio_tungstenite", TASKS),
    server("tokio_tungstenite_send", TASKS),
    server("tungstenite", THREADS),
    server("fastwebsockets", TASKS),
    server("tokio_websockets", TASKS),
    server("sockudo_ws", TASKS),
    server("sockudo_ws_feed", TASKS),
    server("soketto", TASKS),
    server("web_socket", TASKS),
    server("wtx", TASKS),
    server("yawc", TASKS),
];

const fn server(name: &'static str, contests: &'static [Contest]) -> Server {
    Server { name, contests }
}

/// The server of this name.
pub(crate) fn find(name: &str) -> Option<&'static Server> {
    SERVERS.iter().find(|server| server.name == name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_binary_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../servers/src/bin");
        let mut binaries: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| Some(entry.unwrap().path().file_stem()?.to_str()?.to_owned()))
            .collect();
        let mut listed: Vec<&str> = SERVERS.iter().map(|server| server.name).collect();
        binaries.sort_unstable();
        listed.sort_unstable();
        assert_eq!(binaries, listed);
    }

    #[test]
    fn every_contest_has_its_raw_server() {
        for contest in [Contest::Tasks, Contest::Threads, Contest::Tls] {
            assert!(find(contest.raw()).unwrap().contests.contains(&contest));
        }
    }
}
