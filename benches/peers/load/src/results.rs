use crate::measure::Figure;
use crate::scenarios::Scenario;
use crate::servers::Server;

/// What a scenario came to.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) scenario: Scenario,
    pub(crate) rows: Vec<Row>,
}

/// What it came to for one server.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) server: &'static Server,
    /// One for each round; fewer where one went wrong.
    pub(crate) figures: Vec<Figure>,
    pub(crate) state: State,
}

/// Whether a server is still measured.
#[derive(Debug)]
pub(crate) enum State {
    Running,
    /// It was not made for the scenario.
    Unsupported(String),
    /// It gave no answer, or a wrong one.
    Failed(String),
}

impl Results {
    /// How a server compares to the raw one: the middle of the ratios of each round.
    pub(crate) fn ratio(&self, row: &Row) -> Option<f64> {
        let raw = self.rows.iter().find(|raw| raw.server.is_raw())?;
        median(
            row.figures
                .iter()
                .zip(&raw.figures)
                .map(|(figure, raw)| figure.value / raw.value),
        )
    }
}

impl Results {
    /// How a server compares to the best of the other libraries, in the same way.
    pub(crate) fn to_best_other(&self, row: &Row) -> Option<f64> {
        self.rows
            .iter()
            .filter(|other| other.server.name != row.server.name && !other.server.is_raw())
            .filter(|_| !row.server.is_raw())
            .filter_map(|other| {
                let pairs = row.figures.iter().zip(&other.figures);
                median(pairs.map(|(figure, other)| figure.value / other.value))
            })
            .max_by(f64::total_cmp)
    }
}

impl Row {
    pub(crate) fn new(server: &'static Server) -> Self {
        Self {
            server,
            figures: Vec::new(),
            state: State::Running,
        }
    }

    /// The middle of all rounds.
    pub(crate) fn value(&self) -> Option<f64> {
        median(self.figures.iter().map(|figure| figure.value))
    }

    pub(crate) fn output_ratio(&self) -> Option<f64> {
        median(self.figures.iter().filter_map(|figure| figure.output_ratio))
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        for (values, expected) in [
            (&[][..], None),
            (&[3.0], Some(3.0)),
            (&[1.0, 4.0], Some(2.5)),
            (&[9.0, 1.0, 2.0], Some(2.0)),
        ] {
            assert_eq!(median(values.iter().copied()), expected, "{values:?}");
        }
    }
}
