//! A process of Python that compresses and inflates with a zlib of its own: `interop/zlib_peer.py`.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The process, which ends with this.
#[derive(Debug)]
pub struct Zlib {
    process: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
}

impl Zlib {
    /// Starts the Python of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn start(python: &str) -> io::Result<Self> {
        let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "interop", "zlib_peer.py"]
            .iter()
            .collect();
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let output = output.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            process,
            input,
            output,
        })
    }

    /// The Python of `TIDEWIRE_PYTHON`, or `python3`; `None`, which is printed, where that has no zlib.
    ///
    /// # Panics
    /// Where it can be found and not be started.
    pub fn found() -> Option<Self> {
        let python = std::env::var("TIDEWIRE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let check = Command::new(&python)
            .args(["-c", "import zlib"])
            .stderr(Stdio::null())
            .status();
        if check.is_ok_and(|status| status.success()) {
            return Some(Self::start(&python).expect("it was started a moment ago"));
        }
        println!("skipped: no Python with zlib");
        None
    }

    /// Begins a connection: the window bits that it inflates with and compresses with, negative without takeover.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn begin(&mut self, inflates: i8, compresses: i8, level: u8) -> io::Result<()> {
        let [inflates] = inflates.to_le_bytes();
        let [compresses] = compresses.to_le_bytes();
        self.ask(b'N', &[inflates, compresses, level])
    }

    /// Inflates a message.
    ///
    /// # Errors
    /// Where the process ended, which it does over a message that cannot be inflated.
    pub fn inflate(&mut self, payload: &[u8]) -> io::Result<Vec<u8>> {
        self.ask(b'I', payload)?;
        self.answer()
    }

    /// Compresses a message.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn compress(&mut self, text: &[u8]) -> io::Result<Vec<u8>> {
        self.ask(b'C', text)?;
        self.answer()
    }

    /// Compresses a message as one stream with a final block, without takeover.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn finish(&mut self, text: &[u8]) -> io::Result<Vec<u8>> {
        self.ask(b'F', text)?;
        self.answer()
    }

    fn ask(&mut self, kind: u8, data: &[u8]) -> io::Result<()> {
        let len = u32::try_from(data.len()).map_err(io::Error::other)?;
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut request = vec![kind];
        request.extend_from_slice(&len.to_be_bytes());
        request.extend_from_slice(data);
        input.write_all(&request)
    }

    fn answer(&mut self) -> io::Result<Vec<u8>> {
        let mut len = [0; 4];
        self.output.read_exact(&mut len)?;
        let mut answer = vec![0; u32::from_be_bytes(len) as usize];
        self.output.read_exact(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Zlib {
    fn drop(&mut self) {
        // It ends with its input.
        self.input = None;
        let _ = self.process.wait();
    }
}
