use std::env;
use std::error::Error;
use std::io::{self, BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tidewire_benches::process;
use tokio_rustls::rustls::ClientConfig;

use crate::settings::{Carrier, Setting};
use crate::tls;

/// A server in a process of its own, which ends with this value.
pub(crate) struct ServerProcess {
    child: Child,
    port: u16,
    /// Trusts the server, where it speaks TLS.
    tls: Option<Arc<ClientConfig>>,
}

impl ServerProcess {
    pub(crate) fn start(setting: &Setting) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", setting.name])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take();
        // Made first, so that the process ends with it whatever fails below.
        let mut server = Self {
            child,
            port: 0,
            tls: None,
        };
        let mut stdout = BufReader::new(stdout.ok_or("the server has no standard output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        server.port = line.trim().parse()?;
        if let Carrier::Tls = setting.carrier {
            server.tls = Some(tls::client_config(&mut stdout)?);
        }
        Ok(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }

    /// The resident bytes of the process.
    pub(crate) fn resident(&self) -> Result<i64, Box<dyn Error>> {
        process::resident(self.child.id())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server of a setting: prints its port, and runs until the process is killed.
pub(crate) fn run(setting: &Setting) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    (setting.serve)(listener)
}
