use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::peer::request;

const PATIENCE: Duration = Duration::from_secs(20);

/// What a server said.
#[derive(Debug)]
pub struct Answered {
    head: String,
    /// What came behind the head.
    pub rest: Vec<u8>,
}

impl Answered {
    /// The status.
    ///
    /// # Panics
    /// Where it said something else than HTTP.
    pub fn status(&self) -> &str {
        self.head.split(' ').nth(1).expect("a status line")
    }

    /// The values of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines
            .filter(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// The text of the first frame.
    ///
    /// # Panics
    /// Where there is none.
    pub fn told(&self) -> &str {
        let [_, len, rest @ ..] = &self.rest[..] else {
            panic!("no frame: {self:?}");
        };
        let text = rest.get(..usize::from(*len)).expect("a short frame");
        str::from_utf8(text).expect("text")
    }
}

/// Sends these bytes, and gives what comes until the server closes or, after an upgrade, until its first frame is there.
///
/// # Panics
/// Where nothing comes for a while.
pub fn exchange(address: SocketAddr, request: &str) -> Answered {
    let mut stream = TcpStream::connect(address).expect("a server");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("a server that reads");
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer).expect("an answer in time");
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
            let is_upgraded = head.starts_with(b"HTTP/1.1 101 ");
            let has_frame = rest.get(1).is_some_and(|len| rest.len() >= 2 + usize::from(*len));
            if read == 0 || is_upgraded && has_frame {
                let head = str::from_utf8(head).expect("a head of text").to_owned();
                return Answered {
                    head,
                    rest: rest.to_vec(),
                };
            }
        }
        assert!(read > 0, "no answer: {bytes:?}");
    }
}

/// Asks for an upgrade, with these lines beside those that it needs.
///
/// # Panics
/// As [`exchange`] does.
pub fn upgrade(address: SocketAddr, path: &str, lines: &str) -> Answered {
    exchange(address, &request(path, lines))
}
