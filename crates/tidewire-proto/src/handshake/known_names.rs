//! The names of header fields that browsers, libraries and proxies send with a handshake, as they write them. A
//! connection keeps its handshake for as long as it lives, and each of these as one byte.

/// The shorter ones first, so that those of one length stand together. The place in this list is known to nobody outside
/// of a process, so it may change.
const NAMES: [&str; 25] = [
    "Date",
    "Host",
    "Accept",
    "Cookie",
    "Origin",
    "Pragma",
    "Server",
    "Upgrade",
    "X-Real-IP",
    "Connection",
    "User-Agent",
    "Authorization",
    "Cache-Control",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Accept-Encoding",
    "Accept-Language",
    "X-Forwarded-For",
    "Sec-WebSocket-Key",
    "X-Forwarded-Proto",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
];

/// Where the names of each length begin, up to one behind the longest.
const OF_LEN: [u8; 26] = {
    let mut starts = [0; 26];
    let mut len = 0;
    while len < starts.len() {
        let mut at = 0;
        while at < NAMES.len() && NAMES[at].len() < len {
            at += 1;
            starts[len] += 1;
        }
        len += 1;
    }
    starts
};

/// What no byte of a name has, since names are ASCII.
const MARK: u8 = 0x80;

/// The byte that stands for a name, where one does.
pub(super) fn byte_of(name: &str) -> Option<u8> {
    let [start, end] = *OF_LEN.get(name.len()..)?.first_chunk()?;
    let same_len = NAMES.get(usize::from(start)..usize::from(end))?;
    let at = same_len.iter().position(|known| *known == name)?;
    Some(MARK | (start + u8::try_from(at).ok()?))
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
