//! How cost grows with the work: with connections, with the size of messages, and with their fragments.

mod curves;
mod report;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::measure::{Cost, measure_growth};
use crate::results::median;
use crate::servers::{self, Server};

pub(crate) use curves::{Curve, Point};

/// Who is measured: the raw server first.
const SERVERS: [&str; 2] = ["raw_tokio", "tidewire_tokio"];

/// No round is begun that would end later than this.
const BUDGET: Duration = Duration::from_secs(220);

/// Measures how tidewire's cost grows with the work, beside the raw server's.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// One short round, for a first look.
    #[arg(long)]
    quick: bool,

    /// The folder for `growth.csv` and `growth.json`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// One server at one point.
#[derive(Debug)]
struct Row {
    point: Point,
    server: &'static Server,
    /// One for each round.
    costs: Vec<Cost>,
}

impl Row {
    /// The middle of all rounds.
    fn middle(&self, figure: impl Fn(&Cost) -> f64) -> Option<f64> {
        median(self.costs.iter().map(figure))
    }
}

/// Measures all points, round by round, and writes what they came to; it may run on so many cores.
pub(crate) fn run(arguments: &Arguments, cores: usize) -> Result<ExitCode> {
    let (rounds, time) = if arguments.quick {
        (1, Duration::from_millis(100))
    } else {
        (3, Duration::from_millis(400))
    };
    let mut rows = rows()?;
    let mut failed = false;
    let start = Instant::now();
    for round in 1..=rounds {
        let begun = Instant::now();
        for row in &mut rows {
            match measure_growth(&row.point, row.server, time) {
                Ok(cost) => row.costs.push(cost),
                Err(error) => {
                    eprintln!("{} at {}: FAILED ({error:#})", row.server.name, row.point);
                    failed = true;
                }
            }
        }
        let took = begun.elapsed();
        eprintln!("round {round} of {rounds}: {:.0} s", took.as_secs_f64());
        if start.elapsed() + took > BUDGET {
            break;
        }
    }
    print!("{}", report::table(&rows)?);
    let out = &arguments.out;
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    fs::write(out.join("growth.csv"), report::csv(&rows)?)?;
    fs::write(
        out.join("growth.json"),
        format!("{:#}\n", report::json(&rows, cores)),
    )?;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn rows() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for point in curves::all() {
        for name in SERVERS {
            rows.push(Row {
                point,
                server: servers::find(name).context("a server is not listed")?,
                costs: Vec::new(),
            });
        }
    }
    Ok(rows)
}
