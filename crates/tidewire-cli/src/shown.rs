use std::fmt::{self, Write as _};

use tidewire::tokio::Message;

/// A message as one line of a terminal: nothing that a peer sends may move the cursor or reorder what stands there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'m>(pub(crate) &'m Message);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Message::Text(text) => write!(f, "{}", Escaped(text)),
            Message::Binary(bytes) => {
                write!(f, "binary, {} bytes:", bytes.len())?;
                if !bytes.is_empty() {
                    f.write_char(' ')?;
                }
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// Text with its control characters escaped as in Rust: `\n`, `\u{1b}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Escaped<'t>(pub(crate) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, controls)) = rest.char_indices().find(|&(_, c)| is_control(c)) {
            let (plain, from) = rest.split_at(at);
            write!(f, "{plain}{}", controls.escape_default())?;
            rest = from.get(controls.len_utf8()..).unwrap_or_default();
        }
        f.write_str(rest)
    }
}

/// Control characters, and those of Unicode that end a line or turn the direction of text.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_on_one_line_without_control_characters() {
        for (message, expected) in [
            (Message::from("hello, wörld \\n"), "hello, wörld \\n"),
            (Message::from(""), ""),
            (Message::from("a\nb\r\tc\0"), r"a\nb\r\tc\u{0}"),
            (Message::from("\x1b[2J\u{9b}31m\x7f"), r"\u{1b}[2J\u{9b}31m\u{7f}"),
            (Message::from("abc\u{202e}def\u{2028}"), r"abc\u{202e}def\u{2028}"),
            (Message::from(vec![0, 0xab, 0xff]), "binary, 3 bytes: 00abff"),
            (Message::from(Vec::new()), "binary, 0 bytes:"),
        ] {
            assert_eq!(Shown(&message).to_string(), expected, "{message:?}");
        }
    }
}
