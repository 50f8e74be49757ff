//! One side of a TLS connection in memory.

use std::io::{self, BufRead as _, IoSlice, Read as _, Write as _};
use std::mem;

use tidewire_common::rustls::Connection;

/// How much is encrypted at once, two records: it is what a connection whose peer does not read keeps beside its own
/// queue.
const SEALED_AT_ONCE: usize = 32 * 1024;

/// The records of a connection in both directions.
pub(super) struct Records {
    connection: Connection,
    /// What rustls made and nobody has taken to send, in the order in which it was made.
    sealed: Vec<u8>,
    sending: SendTurn,
    closing: Closing,
    /// What was decrypted before that which rustls holds, and nobody had room for.
    opened: Vec<u8>,
    /// Why no more can be read, behind what could.
    failure: Option<io::Error>,
}

/// Whether a thread has taken records to send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SendTurn {
    Free,
    Taken,
}

/// Whether the stream's writing side is to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    /// As soon as all records have left.
    Asked,
    Done,
}

/// What there is to send.
pub(super) enum ToSend {
    Records(Vec<u8>),
    /// Another thread has taken some.
    Elsewhere,
    /// The stream's writing side is to end.
    End,
    Nothing,
}

impl Records {
    pub(super) fn new(mut connection: Connection) -> Self {
        connection.set_buffer_limit(Some(SEALED_AT_ONCE));
        Self {
            connection,
            sealed: Vec::new(),
            sending: SendTurn::Free,
            closing: Closing::No,
            opened: Vec::new(),
            failure: None,
        }
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Takes in what arrived during the handshake.
    pub(super) fn handle_handshake(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() && self.take_in(&mut bytes)? > 0 {}
        Ok(())
    }

    /// Takes in all that arrived, and puts what it says in its place; gives the length of that.
    ///
    /// Records are longer than what they say, so there is room but for the first one, a part of which may have come
    /// before. What does not fit can be [drained](Self::drain), and is to be before this is called again.
    pub(super) fn open(&mut self, bytes: &mut [u8]) -> usize {
        let mut taken = 0;
        let mut opened = 0;
        while let Some(mut rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            match self.take_in(&mut rest) {
                Ok(0) => break,
                Ok(read) => taken += read,
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
            if let Some(room) = bytes.get_mut(opened..taken) {
                // Without any text yet, this is an error that says so.
                opened += self.connection.reader().read(room).unwrap_or(0);
            }
        }
        opened
    }

    /// Gives back what rustls needed to take in long records, where no part of one is there.
    pub(super) fn trim(&mut self) {
        // It sizes its buffer before it reads, and so before it learns that nothing is there to be read.
        let _ = self.connection.read_tls(&mut Nothing);
    }

    /// Keeps bytes that were opened outside of their reader's buffer.
    pub(super) fn keep(&mut self, opened: Vec<u8>) {
        if !opened.is_empty() {
            self.opened = opened;
        }
    }

    /// Takes in some bytes; gives their number, which is 0 behind the peer's end.
    fn take_in(&mut self, bytes: &mut &[u8]) -> io::Result<usize> {
        let read = self.connection.read_tls(bytes)?;
        self.connection
            .process_new_packets()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(read)
    }

    /// Appends to `buffer` what was decrypted and not given yet, as much as it has room for; gives the number of bytes.
    pub(super) fn drain(&mut self, buffer: &mut Vec<u8>) -> usize {
        let before = buffer.len();
        if !self.opened.is_empty() {
            let fitting = append_fitting(buffer, &self.opened);
            self.opened.drain(..fitting);
            if self.opened.is_empty() {
                self.opened = Vec::new();
            }
        }
        if self.opened.is_empty() {
            let mut reader = self.connection.reader();
            while let Ok(opened) = reader.fill_buf() {
                let fitting = append_fitting(buffer, opened);
                if fitting == 0 {
                    break;
                }
                reader.consume(fitting);
            }
        }
        buffer.len() - before
    }

    /// Whether there is anything to read: decrypted bytes, or the end.
    pub(super) fn holds_opened(&mut self) -> bool {
        self.failure.is_some() || !self.opened.is_empty() || self.connection.reader().fill_buf().is_ok()
    }

    /// How reading ended, behind all that was drained: well, by the peer's word, or with an error, which is given once.
    pub(super) fn end(&mut self) -> Option<io::Result<()>> {
        match self.failure.take() {
            Some(error) => Some(Err(error)),
            None => matches!(self.connection.reader().fill_buf(), Ok([])).then_some(Ok(())),
        }
    }

    /// Encrypts the start of some slices; gives its length.
    pub(super) fn seal(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.connection.writer().write_vectored(slices)
    }

    /// Says the end of our side, once, and asks for that of the stream's.
    pub(super) fn close(&mut self) {
        // §6.1 of RFC 8446: "Each party MUST send a "close_notify" alert before closing its write side".
        self.connection.send_close_notify();
        if self.closing == Closing::No {
            self.closing = Closing::Asked;
        }
    }

    /// Whether there is anything to send.
    pub(super) fn holds_sealed(&self) -> bool {
        self.sending == SendTurn::Taken
            || !self.sealed.is_empty()
            || self.connection.wants_write()
            || self.closing == Closing::Asked
    }

    /// Takes what is to be sent, which one thread at a time does.
    pub(super) fn take(&mut self) -> ToSend {
        if self.sending == SendTurn::Taken {
            return ToSend::Elsewhere;
        }
        while self.connection.wants_write() {
            // Into memory, this cannot fail.
            if self.connection.write_tls(&mut self.sealed).is_err() {
                break;
            }
        }
        if !self.sealed.is_empty() {
            self.sending = SendTurn::Taken;
            ToSend::Records(mem::take(&mut self.sealed))
        } else if self.closing == Closing::Asked {
            ToSend::End
        } else {
            ToSend::Nothing
        }
    }

    /// Takes records back, the first `sent` bytes of which have left.
    pub(super) fn give_back(&mut self, mut records: Vec<u8>, sent: usize) {
        self.sending = SendTurn::Free;
        if sent < records.len() {
            records.drain(..sent);
            records.append(&mut self.sealed);
            self.sealed = records;
        }
    }

    /// Notes that the stream's writing side is being ended.
    pub(super) fn note_end(&mut self) {
        self.closing = Closing::Done;
    }

    /// Forgets what cannot be sent any more.
    pub(super) fn let_go(&mut self) {
        self.sending = SendTurn::Free;
        self.closing = Closing::Done;
        self.sealed = Vec::new();
        let _ = self.connection.write_tls(&mut io::sink());
    }
}

/// A stream on which nothing has arrived.
struct Nothing;

impl io::Read for Nothing {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// Appends as much as there is room for; gives its length.
fn append_fitting(buffer: &mut Vec<u8>, bytes: &[u8]) -> usize {
    let room = buffer.capacity() - buffer.len();
    let fitting = bytes.get(..room).unwrap_or(bytes);
    buffer.extend_from_slice(fitting);
    fitting.len()
}
