//! How a server bears crowds: very many who are dead when it shuts down, very many who connect and say nothing, and more
//! than it has file descriptors for.
//!
//! The server runs in a process of its own, which is this program started again, so that clients and server have their
//! file descriptors each, and what is left of the crowd can be counted from outside.

mod client;
mod descriptors;
mod latency;
mod process;
mod serve;
mod shutdown;
mod silent;
mod verdicts;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::serve::Adapter;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p tidewire-benches --bin crowd -- shutdown
      10,000 connections, one in ten of them dead, are shut down.
  cargo run --release -p tidewire-benches --bin crowd -- silent --adapter threads --connections 2000
      2,000 clients say nothing, or a byte a second, while others connect.
  cargo run --release -p tidewire-benches --bin crowd -- descriptors --connections 200
      More clients than a server may have, which has file descriptors for about 200.

Each connection takes a file descriptor here and one in the server: `ulimit -n` bounds them. Ends with 1 where a promise
is broken.";

/// Shows how a server bears crowds.
#[derive(Debug, Parser)]
#[command(name = "crowd", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shuts a server down while one client in ten is dead.
    Shutdown(shutdown::Arguments),
    /// Connects and says nothing, or a byte a second, while others connect.
    Silent(silent::Arguments),
    /// Connects more clients than the server has file descriptors for.
    Descriptors(descriptors::Arguments),
    /// Is the server; the program starts itself so.
    #[command(hide = true)]
    Serve(serve::Arguments),
}

/// What the crowds have in common.
#[derive(Debug, clap::Args)]
struct Crowd {
    /// How large the crowd is.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(20..))]
    connections: u32,

    /// What the server is made of.
    #[arg(long, value_enum, default_value_t = Adapter::Tokio)]
    adapter: Adapter,
}

impl Crowd {
    fn size(&self) -> usize {
        usize::try_from(self.connections).expect("no platform with sockets has smaller numbers")
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let verdicts = match Arguments::parse().command {
        Command::Shutdown(arguments) => shutdown::run(&arguments)?,
        Command::Silent(arguments) => silent::run(&arguments)?,
        Command::Descriptors(arguments) => descriptors::run(&arguments)?,
        Command::Serve(arguments) => {
            serve::run(&arguments)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    Ok(verdicts.exit_code())
}

/// Says on standard error what comes next.
fn progress(step: &str) {
    eprintln!("… {step}");
}

/// Reads a number of seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| format!("{text} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
