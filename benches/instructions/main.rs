//! How many instructions a message takes, as callgrind counts them: noise does not touch the number, so a small growth
//! shows.
//!
//! Each case runs twice in a process of its own, which is this program started again under valgrind, once for a number
//! of rounds and once for twice as many. What the second run takes longer is what the rounds take: starting, and what
//! only the first round does, is in both.

mod baseline;
mod cases;
mod valgrind;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::baseline::Baseline;
use crate::cases::Case;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p tidewire-benches --bin instructions
      All cases beside the baseline; exit code 1 where one takes 3 % more.
  cargo run --release -p tidewire-benches --bin instructions -- reader
      Those whose name contains `reader`.
  cargo run --release -p tidewire-benches --bin instructions -- --accept
      Makes what is counted now the baseline, to be committed with its reason.

Needs valgrind.";

/// How far a count may grow, or fall without a word, in percent of the baseline.
const TOLERANCE: f64 = 3.0;

/// Instructions for each message, by case, beside those of the baseline.
#[derive(Debug, Parser)]
#[command(name = "instructions", after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Writes the counts to the baseline.
    #[arg(long, conflicts_with = "filter")]
    accept: bool,

    /// Only cases whose name contains this.
    filter: Option<String>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Performs a case for a number of rounds; the program starts itself so.
    #[command(hide = true)]
    Perform { case: String, rounds: u32 },
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(Command::Perform { case, rounds }) = arguments.command {
        let case = Case::all()
            .into_iter()
            .find(|known| known.to_string() == case)
            .ok_or("case is not known")?;
        case.perform(rounds);
        return Ok(ExitCode::SUCCESS);
    }
    let filter = arguments.filter.unwrap_or_default();
    let cases = Case::all()
        .into_iter()
        .filter(|case| case.to_string().contains(&filter));
    if arguments.accept {
        let counted = cases
            .map(|case| Ok((case.to_string(), valgrind::instructions(&case)?)))
            .collect::<Result<_, Box<dyn Error>>>()?;
        Baseline::new(valgrind::tools()?, counted).write()?;
        return Ok(ExitCode::SUCCESS);
    }
    compare(cases)
}

/// Prints each case beside the baseline; tells of those that are far from it.
fn compare(cases: impl Iterator<Item = Case>) -> Result<ExitCode, Box<dyn Error>> {
    let baseline = Baseline::read()?;
    let (mut grown, mut fallen) = (0, 0);
    println!("| one message | instructions | baseline | change |");
    println!("|---|--:|--:|--:|");
    for case in cases {
        let counted = valgrind::instructions(&case)?;
        let Some(before) = baseline.count(&case.to_string()) else {
            println!("| {case} | {counted} | none | |");
            grown += 1;
            continue;
        };
        let change = percent(before, counted);
        println!("| {case} | {counted} | {before} | {change:+.1} % |");
        grown += u32::from(change > TOLERANCE);
        fallen += u32::from(change < -TOLERANCE);
    }
    let tools = valgrind::tools()?;
    if tools != baseline.tools() {
        println!("The baseline belongs to {}; these are {tools}.", baseline.tools());
    }
    if fallen > 0 {
        println!(
            "{fallen} fell by more than {TOLERANCE} %: commit a new baseline, with --accept, to keep that."
        );
    }
    if grown > 0 {
        println!(
            "{grown} grew by more than {TOLERANCE} %, or have no baseline: if it is worth it, --accept."
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a message takes less than 2^52 instructions"
)]
fn percent(before: u64, now: u64) -> f64 {
    100.0 * (now as f64 / before as f64 - 1.0)
}
