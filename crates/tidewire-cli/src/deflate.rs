use std::str::FromStr;

use tidewire::tokio::{Deflate, DeflateBuilder};

/// What `--deflate` says: settings separated by commas, or nothing for the defaults.
pub(crate) fn parse(settings: &str) -> Result<Deflate, String> {
    settings
        .split(',')
        .filter(|setting| !setting.is_empty())
        .try_fold(Deflate::builder(), set)?
        .build()
        .map_err(|error| error.to_string())
}

fn set(builder: DeflateBuilder, setting: &str) -> Result<DeflateBuilder, String> {
    let (name, value) = match setting.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (setting, None),
    };
    Ok(match (name, value) {
        ("no-takeover", None) => builder.server_no_context_takeover().client_no_context_takeover(),
        ("server-no-takeover", None) => builder.server_no_context_takeover(),
        ("client-no-takeover", None) => builder.client_no_context_takeover(),
        ("everything", None) => builder.everything(),
        ("window", Some(bits)) => {
            let bits = number(name, bits)?;
            builder.server_max_window_bits(bits).client_max_window_bits(bits)
        }
        ("server-window", Some(bits)) => builder.server_max_window_bits(number(name, bits)?),
        ("client-window", Some(bits)) => builder.client_max_window_bits(number(name, bits)?),
        ("level", Some(level)) => builder.level(number(name, level)?),
        ("threshold", Some(bytes)) => builder.threshold(number(name, bytes)?),
        _ => {
            return Err(format!(
                "{setting:?} is none of no-takeover, server-no-takeover, client-no-takeover, window=BITS, \
                 server-window=BITS, client-window=BITS, level=N, threshold=BYTES, everything"
            ));
        }
    })
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name} of {value:?}, which is no number in its range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_taken_and_mistakes_named() {
        for settings in [
            "",
            "no-takeover",
            "server-no-takeover,client-no-takeover",
            "window=15,level=6",
            "everything",
            "server-window=8,client-window=9,threshold=0",
        ] {
            assert!(parse(settings).is_ok(), "{settings:?}");
        }
        for (settings, named) in [
            ("takeover", "\"takeover\""),
            ("no-takeover=1", "\"no-takeover=1\""),
            ("window", "window=BITS"),
            ("window=7", "window bits of 7"),
            ("client-window=16", "window bits of 16"),
            ("level=0", "level 0"),
            ("level=ten", "level of \"ten\""),
            ("threshold=-1", "threshold of \"-1\""),
        ] {
            let text = parse(settings).map_or_else(|error| error, |_| "taken".into());
            assert!(text.contains(named), "{settings:?}: {text}");
        }
    }
}
