//! The results for programs.

use serde_json::{Value, json};

use crate::results::{Results, State};

/// All figures, of each round.
pub(crate) fn all(results: &[Results]) -> Value {
    results.iter().map(scenario).collect()
}

fn scenario(results: &Results) -> Value {
    let servers: Vec<Value> = results
        .rows
        .iter()
        .map(|row| {
            let rounds: Vec<f64> = row.figures.iter().map(|figure| figure.value).collect();
            let (state, why) = match &row.state {
                State::Running => ("measured", None),
                State::Unsupported(why) => ("unsupported", Some(why)),
                State::Failed(why) => ("failed", Some(why)),
            };
            json!({
                "server": row.server.name,
                "state": state,
                "why": why,
                "rounds": rounds,
                "median": row.value(),
                "ratio_to_raw": results.ratio(row),
                "output_ratio": row.output_ratio(),
            })
        })
        .collect();
    json!({
        "scenario": results.scenario.name,
        "unit": results.scenario.unit().text(),
        "to_reach": results.scenario.to_reach,
        "servers": servers,
    })
}
