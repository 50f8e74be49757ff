//! What a connection costs that does nothing: resident bytes of the server, for each of many connections that have
//! echoed one message and gone quiet.
//!
//! The server runs in a process of its own, which is this program started again, so that nothing of the clients is
//! counted. What it holds after a first connection has come and gone is subtracted: the runtime, the code that was
//! paged in, the buffers of the thread.

mod client;
mod echo;
mod server;
mod settings;
mod tls;

use std::error::Error;
use std::thread;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::server::ServerProcess;
use crate::settings::{SETTINGS, Setting};

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p tidewire-benches --bin idle_memory
      All settings, 5,000 connections each.
  cargo run --release -p tidewire-benches --bin idle_memory -- --connections 1000 tokio
      Those whose name contains `tokio`, with fewer connections: the figure varies more.

Each connection takes a file descriptor here and one in the server: `ulimit -n` bounds them.";

/// How long the connections rest before the server is measured.
const REST: Duration = Duration::from_secs(1);

/// The payload that each connection echoes.
const MESSAGE: usize = 1024;

/// Resident bytes of a server per idle connection, by setting.
#[derive(Debug, Parser)]
#[command(name = "idle_memory", after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// How many connections are opened.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,

    /// Only settings whose name contains this.
    filter: Option<String>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server of one setting and prints its port; the program starts itself so.
    #[command(hide = true)]
    Serve { setting: String },
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(Command::Serve { setting }) = arguments.command {
        let setting = SETTINGS
            .iter()
            .find(|known| known.name == setting)
            .ok_or("setting is not known")?;
        return Ok(server::run(setting)?);
    }
    let filter = arguments.filter.unwrap_or_default();
    println!("| server | bytes per idle connection |");
    println!("|---|--:|");
    for setting in SETTINGS.iter().filter(|setting| setting.name.contains(&filter)) {
        println!(
            "| {} | {} |",
            setting.name,
            measure(setting, arguments.connections)?
        );
    }
    Ok(())
}

/// Opens the connections and lets them rest; gives what each costs the server.
fn measure(setting: &Setting, connections: u32) -> Result<i64, Box<dyn Error>> {
    let server = ServerProcess::start(setting)?;
    let payload = tidewire_benches::text(MESSAGE).into_bytes();
    client::open(&server, setting, &payload)?.close()?;
    thread::sleep(REST);
    let before = server.resident()?;
    let open = (0..connections)
        .map(|_| client::open(&server, setting, &payload))
        .collect::<Result<Vec<_>, _>>()?;
    thread::sleep(REST);
    let after = server.resident()?;
    drop(open);
    Ok((after - before) / i64::from(connections))
}
