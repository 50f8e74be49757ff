use alloc::borrow::Cow;
use alloc::string::String;

/// The elements of a comma-separated list, without surrounding white space; empty ones are skipped.
pub(super) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// RFC 9110 §5.6.3: OWS is spaces and tabs, nothing else.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', inner @ ..] | [inner @ .., b' ' | b'\t'] = text {
        text = inner;
    }
    text
}

/// The same of text.
pub(crate) fn trim_text(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// What a value means, or `None` where its quotes do not match (RFC 9110 §5.6.4).
pub(crate) fn unquote(value: &str) -> Option<Cow<'_, str>> {
    let Some(quoted) = value.strip_prefix('"') else {
        return Some(Cow::Borrowed(value));
    };
    let mut unquoted = String::new();
    let mut rest = quoted.strip_suffix('"')?.chars();
    while let Some(next) = rest.next() {
        match next {
            '"' => return None,
            '\\' => unquoted.push(rest.next()?),
            other => unquoted.push(other),
        }
    }
    Some(Cow::Owned(unquoted))
}

/// RFC 9110 §5.6.2: `tchar`.
pub(super) const fn is_token_byte(byte: u8) -> bool {
    // A table, since each byte of a head comes by here.
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 0x80 {
            table[byte as usize] = byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'!' | b'#'
                        | b'$'
                        | b'%'
                        | b'&'
                        | b'\''
                        | b'*'
                        | b'+'
                        | b'-'
                        | b'.'
                        | b'^'
                        | b'_'
                        | b'`'
                        | b'|'
                        | b'~'
                );
            byte += 1;
        }
        table
    };
    TABLE[byte as usize]
}

/// Refuses what is no token with the first byte that is wrong, or `None` when it is empty.
pub(crate) fn check_token(text: &str) -> Result<(), Option<u8>> {
    match text.bytes().find(|&byte| !is_token_byte(byte)) {
        Some(byte) => Err(Some(byte)),
        None if text.is_empty() => Err(None),
        None => Ok(()),
    }
}

/// RFC 9110 §5.5: `field-vchar`, space and tab.
pub(super) const fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}
