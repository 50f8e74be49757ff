//! The names of header fields that browsers, libraries and proxies send with a handshake, as they write them. A
//! connection keeps its handshake for as long as it lives, and each of these as one byte.

/// The place in this list is known to nobody outside of a process, so it may change.
const NAMES: [&str; 25] = [
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Cookie",
    "Date",
    "Host",
    "Origin",
    "Pragma",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
    "Server",
    "Upgrade",
    "User-Agent",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Real-IP",
];

/// What no byte of a name has, since names are ASCII.
const MARK: u8 = 0x80;

/// The byte that stands for a name, where one does.
pub(super) fn byte_of(name: &str) -> Option<u8> {
    let at = NAMES.iter().position(|known| *known == name)?;
    Some(MARK | u8::try_from(at).ok()?)
}

/// The name that a byte stands for.
pub(super) fn name_of(byte: u8) -> Option<&'static str> {
    let at = byte.checked_sub(MARK)?;
    NAMES.get(usize::from(at)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_name_has_a_byte_that_no_name_begins_with() {
        for name in NAMES {
            let byte = byte_of(name);
            assert_eq!(byte.and_then(name_of), Some(name));
            assert!(byte.is_some_and(|byte| !byte.is_ascii()), "{name}");
        }
    }

    #[test]
    fn case_counts_since_names_are_given_as_they_were_written() {
        assert_eq!(byte_of("host"), None);
        assert_eq!(name_of(b'H'), None);
    }
}
