use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::place::Place;

/// A program that stands between clients and a server.
#[derive(Clone, Copy, Debug)]
pub enum Proxy {
    /// With `nginx.conf` of `examples/deploy`.
    Nginx,
    /// With `haproxy.cfg` of `examples/deploy`.
    Haproxy,
    /// The same, with the line in it that has PROXY headers written.
    HaproxyWithHeaders,
}

/// All of them.
pub const PROXIES: [Proxy; 3] = [Proxy::Nginx, Proxy::Haproxy, Proxy::HaproxyWithHeaders];

impl Proxy {
    /// Whether its connections begin with a PROXY header.
    pub fn writes_headers(self) -> bool {
        match self {
            Self::Nginx | Self::Haproxy => false,
            Self::HaproxyWithHeaders => true,
        }
    }

    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Nginx => "nginx.conf",
            Self::Haproxy | Self::HaproxyWithHeaders => "haproxy.cfg",
        }
    }

    /// The program's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy | Self::HaproxyWithHeaders => "haproxy",
        }
    }

    /// In the foreground, as one process.
    pub(super) fn arguments(self, folder: &Path) -> Vec<String> {
        let folder = folder.display();
        let file = format!("{folder}/{}", self.file());
        match self {
            Self::Nginx => {
                let settings = format!("daemon off; master_process off; pid {folder}/pid;");
                let prefix = folder.to_string();
                ["-e", "stderr", "-p", &prefix, "-c", &file, "-g", &settings]
                    .map(str::to_owned)
                    .into()
            }
            Self::Haproxy | Self::HaproxyWithHeaders => ["-db", "-f", &file].map(str::to_owned).into(),
        }
    }

    /// Its file, changed only where a test has to: addresses, paths, and times.
    pub(super) fn configuration(self, place: &Place, server: SocketAddr, idle: Duration) -> String {
        let (folder, plain, tls) = (place.folder().display(), place.plain(), place.tls());
        let idle = format!("{}ms", idle.as_millis());
        let mut changes = match self {
            Self::Nginx => vec![
                ("listen 80;", format!("listen {plain};")),
                ("listen 443 ssl;", format!("listen {tls} ssl;")),
                ("server 127.0.0.1:9001;", format!("server {server};")),
                ("/etc/nginx/tls/", format!("{folder}/")),
                ("proxy_read_timeout 60s;", format!("proxy_read_timeout {idle};")),
                ("proxy_send_timeout 60s;", format!("proxy_send_timeout {idle};")),
                ("http {\n", format!("http {{\n{}", writable(&folder.to_string()))),
            ],
            Self::Haproxy | Self::HaproxyWithHeaders => vec![
                ("bind :80", format!("bind {plain}")),
                ("bind :443", format!("bind {tls}")),
                ("server first 127.0.0.1:9001", format!("server first {server}")),
                ("/etc/haproxy/tls/", format!("{folder}/")),
                ("timeout tunnel 60s", format!("timeout tunnel {idle}")),
                // So that a short test sees many checks.
                ("check inter 2s", "check inter 500ms".to_owned()),
            ],
        };
        if self.writes_headers() {
            // One line in place of the other, as a comment there says.
            let without = "    server first 127.0.0.1:9001 check inter 2s\n";
            let with = ("# server first", "server first".to_owned());
            changes.splice(..0, [(without, String::new()), with]);
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/deploy");
        let original =
            fs::read_to_string(Path::new(folder).join(self.file())).expect("a file of this project");
        changes.iter().fold(original, |text, (old, new)| {
            assert!(text.contains(old), "{} has no {old:?}", self.file());
            text.replace(old, new)
        })
    }
}

/// Where nginx may write that is not run by root.
fn writable(folder: &str) -> String {
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = kinds.map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"));
    format!("access_log off;\n{}", paths.concat())
}
