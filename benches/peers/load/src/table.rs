//! The results as Markdown.

use std::fmt::{self, Write as _};

use crate::date;
use crate::results::{Results, Row, State};
use crate::scenarios::Unit;

/// Where a server has no figure.
const NONE: &str = "–";

/// All results: one table for each scenario, then one with all ratios.
pub(crate) fn all(results: &[Results]) -> Result<String, fmt::Error> {
    let mut out = String::new();
    for result in results {
        scenario(result, &mut out)?;
    }
    overview(results, &mut out)?;
    Ok(out)
}

/// The overview alone, as a page to be included elsewhere, with the day and the machine.
pub(crate) fn page(results: &[Results], cores: usize) -> Result<String, fmt::Error> {
    let mut out = format!(
        "Measured on {}, on a machine with {cores} cores.\n\n",
        date::today()
    );
    overview(results, &mut out)?;
    Ok(out)
}

/// The figures of one scenario.
pub(crate) fn scenario(results: &Results, out: &mut String) -> fmt::Result {
    let scenario = &results.scenario;
    write!(out, "### {}\n\n", scenario.name)?;
    let compressed = results.rows.iter().any(|row| row.output_ratio().is_some());
    write!(
        out,
        "| server | {} | × raw | × best other |",
        scenario.unit().text()
    )?;
    out.push_str(if compressed { " output ratio |\n" } else { "\n" });
    out.push_str(if compressed {
        "|---|--:|--:|--:|--:|\n"
    } else {
        "|---|--:|--:|--:|\n"
    });
    for row in &results.rows {
        let (ratio, best) = (results.ratio(row), results.to_best_other(row));
        write!(
            out,
            "| {} | {} | {} | {} |",
            row.server.name,
            value(row, scenario.unit()),
            cell(ratio),
            cell(best)
        )?;
        if compressed {
            write!(out, " {} |", cell(row.output_ratio()))?;
        }
        out.push('\n');
    }
    if !scenario.to_reach.is_empty() {
        write!(out, "\nTo reach: {}.\n", scenario.to_reach)?;
    }
    for row in &results.rows {
        if let State::Failed(why) = &row.state {
            write!(out, "\n{} failed: {why}.\n", row.server.name)?;
        }
    }
    out.push('\n');
    Ok(())
}

/// The ratios of all scenarios, or the figures where there is nothing raw.
fn overview(results: &[Results], out: &mut String) -> fmt::Result {
    let mut servers: Vec<&str> = Vec::new();
    for row in results.iter().flat_map(|result| &result.rows) {
        if !row.server.is_raw() && !servers.contains(&row.server.name) {
            servers.push(row.server.name);
        }
    }
    if servers.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "### Overview: × raw, or the figure where there is no raw server\n"
    )?;
    writeln!(out, "| scenario | raw | {} | to reach |", servers.join(" | "))?;
    writeln!(out, "|---|--:|{}---|", "--:|".repeat(servers.len()))?;
    for result in results {
        let unit = result.scenario.unit();
        let raw = result.rows.iter().find(|row| row.server.is_raw());
        let raw = raw.map_or(NONE.to_owned(), |row| value(row, unit));
        write!(out, "| {} | {raw} |", result.scenario.name)?;
        for name in &servers {
            let row = result.rows.iter().find(|row| row.server.name == *name);
            let text = match row {
                None => NONE.to_owned(),
                Some(row) => match result.ratio(row) {
                    Some(ratio) => format!("{ratio:.2}"),
                    None => value(row, unit),
                },
            };
            write!(out, " {text} |")?;
        }
        writeln!(out, " {} |", result.scenario.to_reach)?;
    }
    Ok(())
}

/// The figure of a server.
pub(crate) fn value(row: &Row, unit: Unit) -> String {
    match (&row.state, row.value()) {
        (State::Failed(_), _) => "failed".to_owned(),
        (State::Unsupported(_), _) | (_, None) => NONE.to_owned(),
        (State::Running, Some(value)) => match unit {
            Unit::BytesPerConnection => format!("{value:.0} B"),
            _ if value >= 100.0 => format!("{value:.0} µs"),
            _ if value >= 10.0 => format!("{value:.1} µs"),
            _ => format!("{value:.3} µs"),
        },
    }
}

fn cell(ratio: Option<f64>) -> String {
    ratio.map_or(NONE.to_owned(), |ratio| format!("{ratio:.2}"))
}
