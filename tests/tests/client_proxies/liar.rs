use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::support::PATIENCE;

/// A proxy that says the same to everybody, whatever it is asked.
#[derive(Debug)]
pub(crate) struct Liar {
    address: SocketAddr,
}

/// What it does behind that, until the client goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// It ends the stream.
    Ends,
    /// It goes without having read all, which resets the stream.
    Breaks,
    /// It waits.
    Waits,
    /// It says this again and again.
    Repeats(&'static [u8]),
}

impl Liar {
    /// Starts one on a free port; it ends with the process.
    pub(crate) fn start(says: &'static [u8], then: Then) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // It does not mind who goes away.
                lie(stream, says, then);
            }
        });
        Self { address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn lie(mut stream: TcpStream, says: &[u8], then: Then) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.read_exact(&mut [0]).ok()?;
    stream.write_all(says).ok()?;
    match then {
        Then::Ends => stream.shutdown(Shutdown::Write).ok()?,
        Then::Breaks => return None,
        Then::Waits => {}
        Then::Repeats(what) => while stream.write_all(what).is_ok() {},
    }
    stream.read_to_end(&mut Vec::new()).map(drop).ok()
}
