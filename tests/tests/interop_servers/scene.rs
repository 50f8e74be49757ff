use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;
use tidewire_blocking::ClientTls;
use tidewire_tests::live::{ADAPTERS, Adapter, Certificate, Front, Proxy, Servers, bounded_now};

use crate::servers::Server;

/// After how much silence nginx cuts a connection, which must not matter.
const IDLE: Duration = Duration::from_secs(60);

/// One of our clients, and one way to a server.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) adapter: Adapter,
    way: Way,
    security: Security,
    address: SocketAddr,
    trust: ClientTls,
}

/// How a client comes to the server.
#[derive(Clone, Copy, Debug)]
enum Way {
    Directly,
    ThroughNginx,
}

/// What is around the connection.
#[derive(Clone, Copy, Debug)]
enum Security {
    Clear,
    Tls,
}

/// Runs a test with each of our clients, on each way to a server that is installed.
pub(crate) fn with_each(server: Server, test: impl Fn(&Scene)) {
    bounded_now(|| {
        let Some(mut command) = server.command() else {
            return;
        };
        let folder = TempDir::new().expect("a new folder");
        let certificate = Certificate::new();
        for (name, text) in [
            ("certificate", &certificate.certificate),
            ("key", &certificate.key),
        ] {
            let file = folder.path().join(name);
            fs::write(&file, text).expect("a file");
            command.arg(file);
        }
        let servers = Servers::start(&mut command);
        let addresses: Vec<SocketAddr> = servers.addresses().collect();
        let [clear, tls] = addresses[..] else {
            panic!("{}: not two servers, but {addresses:?}", server.name);
        };
        let mut ways = vec![
            (Way::Directly, Security::Clear, clear, certificate.client()),
            (Way::Directly, Security::Tls, tls, certificate.client()),
        ];
        let front = Front::start(Proxy::Nginx, clear, IDLE);
        if let Some(front) = &front {
            let trust = ClientTls::roots_from_file(front.certificate()).expect("a certificate");
            ways.push((Way::ThroughNginx, Security::Clear, front.plain(), trust.clone()));
            ways.push((Way::ThroughNginx, Security::Tls, front.tls(), trust));
        }
        for (way, security, address, trust) in ways {
            for adapter in ADAPTERS {
                let trust = trust.clone();
                test(&Scene {
                    server,
                    adapter,
                    way,
                    security,
                    address,
                    trust,
                });
            }
        }
    });
}

impl Scene {
    /// A URL that leads to the server, for this user and password where there are some: `ada:s3cret@`.
    pub(crate) fn url(&self, user: &str, path: &str) -> String {
        let scheme = match self.security {
            Security::Clear => "ws",
            Security::Tls => "wss",
        };
        format!("{scheme}://{user}{}{path}", self.authority())
    }

    /// What stands in the `Host` field.
    pub(crate) fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Whom a client is to trust.
    pub(crate) fn trust(&self) -> ClientTls {
        self.trust.clone()
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            adapter,
            way,
            security,
            ..
        } = self;
        write!(
            f,
            "{}, {way:?}, {security:?}, a client of {adapter:?}",
            server.name
        )
    }
}
