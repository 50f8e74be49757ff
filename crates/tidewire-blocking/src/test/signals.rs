use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;

/// A descriptor that is readable and writable when it is told to be, for the keeper to wait on in the place of a socket.
///
/// It is one of a pair of sockets: readable while the other has sent it a byte, and not writable while the other has not
/// taken what it was filled with.
#[derive(Debug)]
pub(super) struct Signals {
    near: UnixStream,
    far: UnixStream,
}

impl Signals {
    /// Writable, and not readable.
    pub(super) fn new() -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok(Self { near, far })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.near.as_fd()
    }

    pub(super) fn become_readable(&self) {
        // It was taken all, so that there is room.
        let _ = (&self.far).write(&[0]);
    }

    pub(super) fn stop_being_readable(&self) {
        take_all(&self.near);
    }

    pub(super) fn become_writable(&self) {
        take_all(&self.far);
    }

    pub(super) fn stop_being_writable(&self) {
        while (&self.near).write(&[0; 4096]).is_ok() {}
    }
}

fn take_all(mut stream: &UnixStream) {
    let mut bytes = [0; 4096];
    while matches!(stream.read(&mut bytes), Ok(read) if read > 0) {}
}
