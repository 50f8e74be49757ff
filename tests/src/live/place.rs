use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// A folder of its own, with a certificate in it, and two ports.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Place {
    /// A new one.
    ///
    /// # Panics
    /// Where there is no room for a folder.
    pub fn make() -> Self {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidewire-front-{}-{count}", process::id());
        let place = Self {
            folder: std::env::temp_dir().join(name),
            plain: free(),
            tls: free(),
        };
        fs::create_dir(&place.folder).expect("a new folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        for (name, text) in [
            ("fullchain.pem", certificate.clone()),
            ("privkey.pem", key.clone()),
            ("site.pem", certificate + &key),
        ] {
            fs::write(place.folder.join(name), text).expect("a file");
        }
        place
    }

    /// Goes with this.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// An address that nobody listens at yet.
    pub fn plain(&self) -> SocketAddr {
        self.plain
    }

    /// Another one, for TLS.
    pub fn tls(&self) -> SocketAddr {
        self.tls
    }

    /// A file with the certificate, for `localhost`; its key is in `privkey.pem`.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("fullchain.pem")
    }

    /// Where a program may say what went wrong.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// An address that nobody listens on, and that no client gets from the kernel meanwhile: Linux takes theirs from 32,768 on.
fn free() -> SocketAddr {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run the same tests at once begin at different ports.
    let start = (process::id() % 100) as u16 * 113;
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(start) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + next));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
