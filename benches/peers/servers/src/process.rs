//! The server as a process: what the runner sees of it.

use std::io::{self, Read as _, Write as _};
use std::process;
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files as far as it goes, and has the process end when its standard input does.
///
/// # Panics
/// If no thread can be started.
pub fn prepare() {
    let limit = getrlimit(Resource::Nofile);
    // What is refused here shows later, as a connection that cannot be accepted.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
    thread::Builder::new()
        .name("stdin".to_owned())
        .stack_size(64 << 10)
        .spawn(|| {
            let _ = io::stdin().read(&mut [0]);
            process::exit(0);
        })
        .expect("a process of one thread can have another");
}

/// Tells the runner where the server listens; 0 in the client role.
///
/// # Errors
/// If the runner is gone.
pub fn announce(port: u16) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{port}")?;
    out.flush()
}

/// Tells the runner that the server was not made for this, and ends the process.
pub fn unsupported(why: &str) -> ! {
    println!("unsupported: {why}");
    process::exit(0)
}
