use std::fmt;
use std::process::ExitCode;

/// Why the command ends with another exit code than 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not begin: a bad URL, an address in use, a refused connection.
    Start(String),
    /// The connection ended badly.
    End(String),
}

impl Failure {
    /// What was tried, and what came of it.
    pub(crate) fn start(tried: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::Start(format!("{tried}: {error}"))
    }

    /// Prints the one line, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (text, code) = match self {
            Self::Start(text) => (text, 2),
            Self::End(text) => (text, 1),
        };
        eprintln!("tidewire: {text}");
        ExitCode::from(code)
    }
}
