use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use regex::{Regex, RegexBuilder};

use crate::growth;
use crate::servers::{self, Server};

const EXAMPLES: &str = "\
Examples:
  benches/peers/run
      All servers in all scenarios, five rounds: about half an hour.
  benches/peers/run tidewire_tokio --rounds 2 --seconds 0.5
      One server beside the raw one, for a first look.
  benches/peers/run tidewire_tokio fastwebsockets --scenario '^c32' --json results.json
      Two servers in the scenarios whose name begins so.
  benches/peers/run --list
      The names of all servers and scenarios.

Cores 0 (server) and 1 (load) should have nothing else to do. What is printed while it runs is progress, on standard
error; the tables at the end are Markdown.";

/// Loads echo servers and measures what each costs, beside a server that echoes bare bytes.
#[derive(Debug, Parser)]
#[command(name = "peers", after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Servers to measure; all by default. The raw ones are added where they are needed.
    #[arg(value_name = "SERVER", value_parser = server)]
    pub(crate) servers: Vec<&'static Server>,

    /// Only scenarios whose name matches, in any case.
    #[arg(long, value_name = "REGEX", value_parser = regex, default_value = "")]
    pub(crate) scenario: Regex,

    /// How often each server is measured; at most twice where it is memory.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,

    /// How long each measurement takes, without the warm-up.
    #[arg(long, value_name = "SECONDS", default_value = "0.7", value_parser = seconds)]
    pub(crate) seconds: Duration,

    /// Writes all figures here, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Writes the overview here, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,

    /// Lists servers and scenarios instead.
    #[arg(long)]
    pub(crate) list: bool,
}

/// What else the load can be used for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Growth(growth::Arguments),
}

fn server(name: &str) -> Result<&'static Server, String> {
    servers::find(name).ok_or_else(|| "no such server; `--list` has their names".to_owned())
}

fn regex(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).case_insensitive(true).build()
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("not a time to measure for".to_owned()),
    }
}
