//! A client that trusts anybody.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use tidewire_tests::live::{ADAPTERS, Authority, Validity};
use tidewire_tokio::ClientTls;
use tracing_subscriber::filter::LevelFilter;

use crate::support::{connect, serve, talk};

/// All that this process logs as a warning. It is set once, since other tests of it warn of nothing.
fn log() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::WARN)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .init();
        lines
    })
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// How often whoever reads the log was warned of a server of this name.
    fn warnings(&self, server: &str) -> usize {
        let text = String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text");
        text.lines()
            .filter(|line| line.contains("WARN") && line.contains("TLS without verification"))
            .filter(|line| line.contains(server))
            .count()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn any_certificate_is_taken_and_whoever_reads_the_log_is_warned_once_for_each_setting() {
    let log = log();
    let authority = Authority::new("theirs");
    let servers = [
        (&["localhost"][..], Validity::Now),
        (&["example.com"], Validity::Now),
        (&["localhost"], Validity::Past),
        (&["localhost"], Validity::Future),
    ]
    .map(|(names, validity)| serve(authority.sign(names, validity).server()));
    for adapter in ADAPTERS {
        let before = log.warnings("localhost");
        let tls = ClientTls::dangerous();
        assert_eq!(log.warnings("localhost"), before, "nothing was connected to yet");
        for server in &servers {
            talk(&mut connect(adapter, server, &tls).expect("a client that trusts anybody"));
        }
        assert_eq!(log.warnings("localhost"), before + 1, "{adapter:?}");
    }
}

#[test]
fn a_client_that_trusts_anybody_may_show_who_it_is() {
    let made = Authority::new("theirs").sign(&["localhost"], Validity::Past);
    let server = serve(made.server());
    let tls = ClientTls::dangerous()
        .certificate(made.certificate.as_bytes(), made.key.as_bytes())
        .and_then(|tls| tls.server_name("dangerous.example"))
        .expect("good settings");
    for adapter in ADAPTERS {
        talk(&mut connect(adapter, &server, &tls).expect("a client that trusts anybody"));
    }
}
