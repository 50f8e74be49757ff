//! Loads echo servers and measures what each costs: `benches/peers/README.md` says what and how.

mod alone;
mod arguments;
mod compression;
mod cores;
mod date;
mod exchange;
mod frames;
mod growth;
mod handshake;
mod json;
mod measure;
mod payloads;
mod process;
mod random;
mod replies;
mod results;
mod scenarios;
mod servers;
mod stream;
mod table;
mod turns;

use std::fs;
use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::Result;
use clap::Parser as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::arguments::{Arguments, Command};
use crate::measure::{Measured, measure};
use crate::results::{Results, Row, State};
use crate::scenarios::{Scenario, Unit};
use crate::servers::{SERVERS, Server};

/// How often memory is measured at most: it hardly varies.
const MEMORY_ROUNDS: u16 = 2;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let scenarios: Vec<Scenario> = scenarios::all()
        .into_iter()
        .filter(|scenario| arguments.scenario.is_match(scenario.name))
        .collect();
    if arguments.list {
        list(&scenarios);
        return Ok(ExitCode::SUCCESS);
    }
    raise_file_limit()?;
    let _alone = alone::wait()?;
    // Pinned to one, a process has no more.
    let cores = available_parallelism()?.get();
    cores::pin_load()?;
    if let Some(Command::Growth(arguments)) = &arguments.command {
        return growth::run(arguments, cores);
    }
    let mut results = Vec::new();
    for scenario in scenarios {
        let servers = contestants(&scenario, &arguments.servers);
        if servers.iter().any(|server| !server.is_raw()) || !arguments.servers.is_empty() {
            results.push(contest(scenario, &servers, &arguments));
        }
    }
    println!("{}", table::all(&results)?);
    if let Some(file) = arguments.json {
        fs::write(file, format!("{:#}\n", json::all(&results)))?;
    }
    if let Some(file) = arguments.markdown {
        fs::write(file, table::page(&results, cores)?)?;
    }
    let failed = results
        .iter()
        .flat_map(|results| &results.rows)
        .any(|row| matches!(row.state, State::Failed(_)));
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn list(scenarios: &[Scenario]) {
    println!("servers:");
    for server in SERVERS {
        println!("  {}", server.name);
    }
    println!("scenarios:");
    for scenario in scenarios {
        println!("  {}", scenario.name);
    }
}

/// Ten thousand connections need more than what is usual.
fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}

/// Who takes part: those wanted, all where none is named, and the raw server, which comes first.
fn contestants(scenario: &Scenario, wanted: &[&Server]) -> Vec<&'static Server> {
    let takes_part = |server: &Server| {
        if server.is_raw() && !scenario.has_raw() {
            return false;
        }
        let named = server.name == scenario.contest.raw()
            || wanted.is_empty()
            || wanted.iter().any(|wanted| wanted.name == server.name);
        named && server.contests.contains(&scenario.contest)
    };
    SERVERS.iter().filter(|server| takes_part(server)).collect()
}

/// Measures all of them in turn, round by round.
fn contest(scenario: Scenario, servers: &[&'static Server], arguments: &Arguments) -> Results {
    let rounds = match scenario.unit() {
        Unit::BytesPerConnection => arguments.rounds.min(MEMORY_ROUNDS),
        _ => arguments.rounds,
    };
    let mut rows: Vec<Row> = servers.iter().map(|server| Row::new(server)).collect();
    for round in 1..=rounds {
        eprint!("{}, round {round} of {rounds}:", scenario.name);
        for row in &mut rows {
            if !matches!(row.state, State::Running) {
                continue;
            }
            match measure(&scenario, row.server, arguments.seconds) {
                Ok(Measured::Figure(figure)) => {
                    eprint!(" {} {:.3}", row.server.name, figure.value);
                    row.figures.push(figure);
                }
                Ok(Measured::Unsupported(why)) => {
                    eprint!(" {} –", row.server.name);
                    row.state = State::Unsupported(why);
                }
                Err(error) => {
                    eprint!(" {} FAILED ({error:#})", row.server.name);
                    row.state = State::Failed(format!("{error:#}"));
                }
            }
        }
        eprintln!();
    }
    Results { scenario, rows }
}
