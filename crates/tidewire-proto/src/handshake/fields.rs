use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::error::{InvalidField, excerpt};
use super::known_names;
use super::syntax::{check_token, elements, is_value_byte, trim};

/// The values that `Debug` does not show: they let whoever reads the log act as the user.
const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// Header fields in the order in which they were received or pushed.
///
/// Names are compared without regard to ASCII case. Values are bytes without surrounding white space: HTTP
/// does not promise text. `Debug` shows values escaped and cut, and those of `Authorization`,
/// `Proxy-Authorization`, `Cookie` and `Set-Cookie` not at all.
///
/// ```
/// use tidewire_proto::handshake::{Fields, InvalidField};
///
/// let mut fields = Fields::new();
/// fields.push("Connection", "keep-alive, Upgrade")?;
/// assert_eq!(fields.first("connection"), Some(&b"keep-alive, Upgrade"[..]));
/// assert!(fields.tokens("connection").any(|token| token.eq_ignore_ascii_case(b"upgrade")));
/// assert!(fields.push("X-Name", "two\r\nlines").is_err());
/// # Ok::<(), InvalidField>(())
/// ```
#[derive(Clone, Default)]
pub struct Fields {
    /// A line, of which a request makes use, then `name:value\n` for each field: neither has a byte that ends it. A byte
    /// stands for `name:` where the name is a [known one](known_names). All in one store, since a connection keeps those
    /// of its handshake.
    text: Vec<u8>,
    /// Where the fields begin.
    start: usize,
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

impl Fields {
    /// Creates an empty list, which owns no memory.
    pub const fn new() -> Self {
        Self {
            text: Vec::new(),
            start: 0,
        }
    }

    /// The number of fields; a name that was repeated counts each time.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.text.len() == self.start
    }

    /// The fields in order, with names as they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let lines = self.text.get(self.start..).unwrap_or_default();
        // Behind the last line end stands nothing, and so no field.
        lines.split(|byte| *byte == b'\n').filter_map(|line| {
            let (first, value) = line.split_first()?;
            if let Some(name) = known_names::name_of(*first) {
                return Some((name, value));
            }
            let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
            Some((str::from_utf8(name).ok()?, value.get(1..)?))
        })
    }

    /// The value of the first field of this name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The values of all fields of this name, in order.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f [u8]> {
        self.iter()
            .filter(move |(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The comma-separated elements of all fields of this name, in order.
    ///
    /// Elements come without surrounding white space, and empty ones are skipped (RFC 9110 §5.6.1.2). A field
    /// that is repeated reads as one with the values joined by commas. Whether an element is a token is not
    /// judged.
    pub fn tokens<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f [u8]> {
        self.all(name).flat_map(elements)
    }

    /// Appends a field; white space around the value is dropped.
    ///
    /// # Errors
    ///
    /// When the name is no token, or the value has a control character other than a tab: a CR, LF or NUL
    /// would start a field of somebody else's choice. The list is then as it was.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        check_token(name).map_err(|byte| InvalidField::Name { byte })?;
        let value = trim(value.as_ref());
        if let Some(&byte) = value.iter().find(|&&byte| !is_value_byte(byte)) {
            return Err(InvalidField::Value {
                name: excerpt(name.as_bytes()),
                byte,
            });
        }
        self.append(name, value);
        Ok(())
    }

    /// Appends a field that an application adds to a request.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push), and for `Host` and what nobody but the handshake writes.
    pub(super) fn push_of_request(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidField> {
        if is_owned(name) || name.eq_ignore_ascii_case("host") {
            return Err(InvalidField::Reserved {
                name: excerpt(name.as_bytes()),
            });
        }
        self.push(name, value)
    }

    /// Appends a field that is known to be valid: one of ours, or one that the parser has passed.
    pub(super) fn append(&mut self, name: &str, value: &[u8]) {
        match known_names::byte_of(name) {
            Some(byte) => self.text.push(byte),
            None => {
                self.text.extend_from_slice(name.as_bytes());
                self.text.push(b':');
            }
        }
        self.text.extend_from_slice(trim(value));
        self.text.push(b'\n');
    }

    /// Copies what the parser found behind a line, into memory of just that size.
    pub(super) fn from_parsed(line: &[&str], headers: &[httparse::Header<'_>]) -> Self {
        let name_len = |name: &str| known_names::byte_of(name).map_or(name.len() + 1, |_| 1);
        let fields_len: usize = headers
            .iter()
            .map(|header| name_len(header.name) + header.value.len() + 1)
            .sum();
        let mut fields = Self::with_line(line, fields_len);
        for header in headers {
            fields.append(header.name, header.value);
        }
        fields
    }

    /// The same fields behind a line.
    pub(super) fn behind(self, line: &[&str]) -> Self {
        let fields = self.text.get(self.start..).unwrap_or_default();
        let mut behind = Self::with_line(line, fields.len());
        behind.text.extend_from_slice(fields);
        behind
    }

    fn with_line(line: &[&str], fields_len: usize) -> Self {
        let start = line.iter().map(|part| part.len()).sum();
        let mut text = Vec::with_capacity(start + fields_len);
        for part in line {
            text.extend_from_slice(part.as_bytes());
        }
        Self { text, start }
    }

    /// The line in front of the fields.
    pub(super) fn line(&self) -> &str {
        let line = self.text.get(..self.start).unwrap_or_default();
        str::from_utf8(line).unwrap_or_default()
    }

    /// The value of a field that must be there exactly once, or else how often it is there.
    pub(super) fn exactly_one(&self, name: &str) -> Result<&[u8], usize> {
        let mut values = self.all(name);
        match (values.next(), values.count()) {
            (Some(value), 0) => Ok(value),
            (None, _) => Err(0),
            (Some(_), more) => Err(1 + more),
        }
    }

    /// Whether a list field has this element, without regard to ASCII case.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.tokens(name)
            .any(|have| have.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Appends the fields to a head.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in self.iter() {
            write_field(out, name, value);
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            let is_secret = SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name));
            let shown = if is_secret {
                String::from("…")
            } else {
                excerpt(value)
            };
            map.entry(&format_args!("{name}"), &format_args!("{shown}"));
        }
        map.finish()
    }
}

/// Appends one field line to a head.
pub(super) fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// Whether a field says that a body follows the head.
pub(super) fn announces_body(name: &str, value: &[u8]) -> bool {
    name.eq_ignore_ascii_case("content-length") && value != b"0"
        || name.eq_ignore_ascii_case("transfer-encoding")
}

/// Fields that frame the message or carry the handshake: nobody but the handshake writes them.
pub(super) fn is_owned(name: &str) -> bool {
    const OWNED: [&str; 5] = [
        "connection",
        "content-length",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let websocket = name
        .as_bytes()
        .get(..14)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"sec-websocket-"));
    websocket || OWNED.iter().any(|owned| owned.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn fields_keep_their_order_and_compare_without_case() -> Result<(), InvalidField> {
        let mut fields = Fields::new();
        assert!(fields.is_empty());
        fields.push("A", "1")?;
        fields.push("b", " \t2\t ")?;
        fields.push("a", "")?;
        assert_eq!(fields.len(), 3);
        assert!(fields.iter().eq([("A", &b"1"[..]), ("b", b"2"), ("a", b"")]));
        assert!(fields.all("a").eq([&b"1"[..], b""]));
        assert_eq!(fields.first("B"), Some(&b"2"[..]));
        assert_eq!(fields.first("c"), None);
        Ok(())
    }

    #[test]
    fn a_known_name_is_kept_in_a_byte_and_shown_in_full() -> Result<(), InvalidField> {
        let mut fields = Fields::new();
        fields.push("Host", "a:b")?;
        fields.push("HOST", "c")?;
        fields.push("Origin", "")?;
        assert_eq!(fields.text.len(), 1 + 3 + 1 + 4 + 1 + 1 + 1 + 1 + 1);
        assert!(
            fields
                .iter()
                .eq([("Host", &b"a:b"[..]), ("HOST", b"c"), ("Origin", b"")])
        );
        assert!(fields.all("host").eq([&b"a:b"[..], b"c"]));
        Ok(())
    }

    #[test]
    fn tokens_are_read_over_repeated_lines() -> Result<(), InvalidField> {
        let mut fields = Fields::new();
        fields.push("Connection", ", keep-alive ,,")?;
        fields.push("X", "no")?;
        fields.push("CONNECTION", "\tUpgrade\t, close")?;
        assert!(
            fields
                .tokens("connection")
                .eq([&b"keep-alive"[..], b"Upgrade", b"close"])
        );
        assert!(fields.has_token("connection", "upgrade"));
        assert!(!fields.has_token("connection", "grade"));
        Ok(())
    }

    #[test]
    fn what_would_inject_a_line_is_refused_and_changes_nothing() {
        let table: &[(&str, &[u8])] = &[
            ("", b"x"),
            ("a b", b"x"),
            ("a:", b"x"),
            ("a\r\nb", b"x"),
            ("a\0", b"x"),
            ("ä", b"x"),
            ("a", b"x\r\ny: z"),
            ("a", b"x\r"),
            ("a", b"\nx"),
            ("a", b"x\0"),
            ("a", b"\x1b[2J"),
            ("a", b"\x7f"),
        ];
        for (name, value) in table {
            let mut fields = Fields::new();
            let pushed = fields.push(name, value);
            assert!(pushed.is_err(), "{name:?}: {}", value.escape_ascii());
            assert!(fields.is_empty(), "{name:?}: {}", value.escape_ascii());
        }
    }

    #[test]
    fn bytes_beyond_ascii_pass_in_a_value() -> Result<(), InvalidField> {
        let mut fields = Fields::new();
        fields.push("a", "ä\tö")?;
        assert_eq!(fields.first("a"), Some("ä\tö".as_bytes()));
        Ok(())
    }

    #[test]
    fn debug_hides_secrets_and_cuts_values() -> Result<(), InvalidField> {
        let mut fields = Fields::new();
        for name in ["AUTHORIZATION", "Proxy-Authorization", "cookie", "Set-Cookie"] {
            fields.push(name, "hunter2")?;
        }
        fields.push("Long", "x".repeat(1000))?;
        fields.push("Bytes", b"\x80")?;
        let shown = format!("{fields:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("cookie: …"), "{shown}");
        assert!(shown.contains("Bytes: \\x80"), "{shown}");
        assert!(shown.len() < 300, "{shown}");
        Ok(())
    }

    #[test]
    fn a_field_must_be_there_once() -> Result<(), InvalidField> {
        let mut fields = Fields::new();
        assert_eq!(fields.exactly_one("a"), Err(0));
        fields.push("a", "1")?;
        assert_eq!(fields.exactly_one("A"), Ok(&b"1"[..]));
        fields.push("A", "1")?;
        assert_eq!(fields.exactly_one("a"), Err(2));
        Ok(())
    }

    #[test]
    fn the_handshake_owns_what_frames_it() {
        for name in [
            "Upgrade",
            "CONNECTION",
            "Content-Length",
            "Transfer-Encoding",
            "sec-websocket-anything",
        ] {
            assert!(is_owned(name), "{name}");
        }
        for name in [
            "",
            "Origin",
            "Cookie",
            "sec-websocket",
            "sec-websöcket-",
            "X-Upgrade",
        ] {
            assert!(!is_owned(name), "{name}");
        }
    }
}
