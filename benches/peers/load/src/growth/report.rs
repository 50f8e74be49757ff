use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::Row;
use crate::date;
use crate::results::median;

/// A line for each server at each point.
pub(super) fn csv(rows: &[Row]) -> Result<String, fmt::Error> {
    let mut out = "curve,connections,message_bytes,fragments,server,rounds,cpu_us_per_message,\
                   messages_per_second,resident_bytes_per_connection\n"
        .to_owned();
    for row in rows {
        let point = &row.point;
        let number = |figure: Option<f64>, digits: usize| {
            figure.map_or(String::new(), |figure| format!("{figure:.digits$}"))
        };
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{}",
            point.curve.name(),
            point.connections,
            point.size,
            point.fragments,
            row.server.name,
            row.costs.len(),
            number(row.middle(|cost| cost.microseconds_per_message), 3),
            number(row.middle(|cost| cost.messages_per_second), 1),
            number(row.bytes_per_connection(), 0),
        )?;
    }
    Ok(out)
}

/// The same for programs, with the day and the machine, and each round.
pub(super) fn json(rows: &[Row], cores: usize) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let rounds: Vec<Value> = row
                .costs
                .iter()
                .map(|cost| {
                    json!({
                        "cpu_us_per_message": cost.microseconds_per_message,
                        "messages_per_second": cost.messages_per_second,
                        "resident_bytes_per_connection": cost.bytes_per_connection,
                    })
                })
                .collect();
            json!({
                "curve": row.point.curve.name(),
                "connections": row.point.connections,
                "message_bytes": row.point.size,
                "fragments": row.point.fragments,
                "server": row.server.name,
                "cpu_us_per_message": row.middle(|cost| cost.microseconds_per_message),
                "messages_per_second": row.middle(|cost| cost.messages_per_second),
                "resident_bytes_per_connection": row.bytes_per_connection(),
                "rounds": rounds,
            })
        })
        .collect();
    json!({ "date": date::today(), "cores": cores, "points": rows })
}

/// A table for people: tidewire beside raw.
pub(super) fn table(rows: &[Row]) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let mut curve = None;
    for pair in rows.chunks_exact(2) {
        let [raw, row] = pair else { continue };
        if curve != Some(row.point.curve) {
            curve = Some(row.point.curve);
            writeln!(
                out,
                "\n| {} | raw, µs of CPU per message | tidewire | × raw | raw, messages/s | tidewire | raw, \
                 resident bytes per connection | tidewire |\n|--:|--:|--:|--:|--:|--:|--:|--:|",
                row.point.curve.name()
            )?;
        }
        let cell = |figure: Option<f64>, digits: usize| {
            figure.map_or("–".to_owned(), |figure| format!("{figure:.digits$}"))
        };
        let ratio = median(row.costs.iter().zip(&raw.costs).map(|(cost, raw)| {
            // The middle of each round's ratio: a busy moment is one round's.
            cost.microseconds_per_message / raw.microseconds_per_message
        }));
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.point.amount(),
            cell(raw.middle(|cost| cost.microseconds_per_message), 2),
            cell(row.middle(|cost| cost.microseconds_per_message), 2),
            cell(ratio, 2),
            cell(raw.middle(|cost| cost.messages_per_second), 0),
            cell(row.middle(|cost| cost.messages_per_second), 0),
            cell(raw.bytes_per_connection(), 0),
            cell(row.bytes_per_connection(), 0),
        )?;
    }
    Ok(out)
}

impl Row {
    fn bytes_per_connection(&self) -> Option<f64> {
        median(self.costs.iter().filter_map(|cost| cost.bytes_per_connection))
    }
}
