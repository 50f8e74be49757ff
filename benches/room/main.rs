//! How long a message takes to the members of a room, without members that have stopped reading and with some.
//!
//! The server runs in a process of its own, which is this program started again: a process may have 20,000 descriptors
//! in many places, and each member takes one in either.

mod members;
mod server;

use std::error::Error;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::members::Received;
use crate::server::ServerProcess;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p tidewire-benches --bin room
      10,000 members of which 100 have stopped reading: five runs with them, and five without.
  cargo run --release -p tidewire-benches --bin room -- --members 500 --slow 50 --seconds 2 --runs 1
      A small one.

Each member takes a file descriptor here and one in the server: `ulimit -n` bounds them.";

/// Latencies of a room's messages, with and without slow members.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "room", after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// How many members the room has, the slow ones among them.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    members: usize,

    /// How many of them have stopped reading.
    #[arg(long, value_name = "N", default_value_t = 100)]
    slow: usize,

    /// How long messages are sent in each run.
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,

    /// How many messages are sent in a second.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rate: u64,

    /// How many runs with slow members there are, each behind one without.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Runs the server; the program starts itself so.
    #[command(hide = true)]
    Serve { messages: u64, rate: u64 },
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(Command::Serve { messages, rate }) = arguments.command {
        return server::run(messages, Duration::from_secs(1) / u32::try_from(rate)?);
    }
    let fast = arguments.members.checked_sub(arguments.slow);
    let fast = fast.filter(|fast| *fast > 0).ok_or("some members are to read")?;
    println!(
        "| reading | slow | p50, ms | p99, ms | longest, ms | CPU, s | server, MiB | sent | waited | dropped |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..arguments.runs {
        let pair = [
            measure(arguments, fast, 0)?,
            measure(arguments, fast, arguments.slow)?,
        ];
        without.push(pair[0]);
        with.push(pair[1]);
        ratios.push(pair[1] / pair[0]);
    }
    let (without, with) = (median(without), median(with));
    println!(
        "\nmedian p99: {without:.2} ms without slow members, {with:.2} ms with them: {:.2} times, {:+.2} ms; \
         median of the pairs: {:.2} times",
        with / without,
        with - without,
        median(ratios)
    );
    Ok(())
}

/// Fills a room, sends to it, prints a row, and gives the p99 in milliseconds.
fn measure(arguments: Arguments, fast: usize, slow: usize) -> Result<f64, Box<dyn Error>> {
    let messages = arguments.seconds * arguments.rate;
    let (mut server, sending) = ServerProcess::start(messages, arguments.rate)?;
    let Received {
        mut latencies,
        report,
        resident,
        processor_time,
    } = members::receive(&mut server, sending, fast, slow)?;
    let expected = fast * usize::try_from(messages)?;
    if latencies.len() != expected {
        return Err(format!("{} messages arrived, not {expected}", latencies.len()).into());
    }
    let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|part| latencies.quantile(part));
    #[expect(clippy::cast_precision_loss, reason = "a process has less than 2^52 bytes")]
    let resident = resident as f64 / f64::from(1 << 20);
    println!(
        "| {fast} | {slow} | {p50:.2} | {p99:.2} | {longest:.2} | {:.2} | {resident:.1} | {} | {} | {} |",
        processor_time.as_secs_f64(),
        report.sent,
        report.waited,
        report.dropped
    );
    Ok(p99)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
