//! What the four testees have in common: how they are set up, and the arguments of a client.

use std::error::Error;

use tidewire::tokio::{Config, ConfigError, Deflate, DeflateBuilder};

/// The configuration of every testee.
///
/// Without pings: kosoku fails a case at one, and at an uncompressed message where compression was agreed on; wstest
/// does not.
///
/// # Errors
/// Never: it contradicts nothing.
pub fn config() -> Result<Config, ConfigError> {
    Config::builder().keepalive(None).build()
}

/// The compression of every testee, which leaves no message out, as [`config`] says.
pub fn deflate() -> DeflateBuilder {
    Deflate::builder().everything()
}

/// What a client is told to do.
#[derive(Debug)]
pub struct ClientArguments {
    /// Where the suite is.
    pub url: String,
    /// The name in its report.
    pub agent: String,
    /// What to offer.
    pub deflate: Deflate,
}

impl ClientArguments {
    /// Reads `NAME URL --agent AGENT [--client-no-context-takeover]`.
    ///
    /// # Errors
    /// How the program is used, where it is used otherwise.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let name = arguments.next().unwrap_or_default();
        let (Some(url), Some(_), Some(agent)) = (arguments.next(), arguments.next(), arguments.next()) else {
            return Err(format!("usage: {name} URL --agent NAME [--client-no-context-takeover]").into());
        };
        // Some cases run only with those who offer this.
        let deflate = match arguments.next().as_deref() {
            Some("--client-no-context-takeover") => deflate().client_no_context_takeover(),
            Some(other) => return Err(format!("{other} is no option").into()),
            None => deflate(),
        };
        Ok(Self {
            url,
            agent,
            deflate: deflate.build()?,
        })
    }
}
