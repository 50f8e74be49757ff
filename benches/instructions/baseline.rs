use std::error::Error;
use std::fmt::Write as _;
use std::fs;

/// Where it is kept. A line that starts with `#` says what it belongs to, each other has a count and its case.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions/baseline.txt");

/// In front of the tools that the counts were taken with.
const TOOLS: &str = "# Instructions for one message, with ";

/// The counts that others are compared with.
pub(crate) struct Baseline {
    tools: String,
    counts: Vec<(String, u64)>,
}

impl Baseline {
    pub(crate) fn new(tools: String, counts: Vec<(String, u64)>) -> Self {
        Self { tools, counts }
    }

    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(PATH).map_err(|error| format!("baseline: {error}"))?;
        let mut lines = text.lines();
        let tools = lines
            .next()
            .and_then(|line| line.strip_prefix(TOOLS))
            .ok_or("baseline does not say what it belongs to")?;
        let counts = lines
            .map(|line| {
                let (count, case) = line
                    .trim()
                    .split_once("  ")
                    .ok_or("baseline: no case in a line")?;
                Ok((case.to_owned(), count.parse()?))
            })
            .collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self::new(tools.to_owned(), counts))
    }

    pub(crate) fn write(&self) -> Result<(), Box<dyn Error>> {
        let mut text = format!("{TOOLS}{}\n", self.tools);
        for (case, count) in &self.counts {
            writeln!(text, "{count:8}  {case}")?;
        }
        fs::write(PATH, &text)?;
        print!("{text}");
        Ok(())
    }

    /// The versions of what compiled and what counted.
    pub(crate) fn tools(&self) -> &str {
        &self.tools
    }

    /// The count of a case.
    pub(crate) fn count(&self, case: &str) -> Option<u64> {
        let (_, count) = self.counts.iter().find(|(known, _)| known == case)?;
        Some(*count)
    }
}
