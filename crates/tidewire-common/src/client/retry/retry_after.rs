//! `Retry-After` (RFC 9110 §10.2.3).

use std::str;
use std::time::{Duration, SystemTime};

use tidewire_proto::handshake::Response;

/// How long the server asks to be left alone; `None` where it does not, or cannot be understood.
pub(super) fn retry_after(response: &Response, now: SystemTime) -> Option<Duration> {
    let value = text(response, "Retry-After")?;
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // What no number can hold is long enough.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    // By the server's own clock, where it tells: ours may be wrong.
    let date = text(response, "Date").and_then(|date| httpdate::parse_http_date(date).ok());
    // A moment that has passed is no delay.
    Some(until.duration_since(date.unwrap_or(now)).unwrap_or_default())
}

fn text<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let value = response.fields().first(name)?;
    str::from_utf8(value).ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(784_111_777);

    fn asked(fields: &[(&str, &str)]) -> Option<u64> {
        let response = fields.iter().try_fold(
            Response::new(503).expect("a status"),
            |response, (name, value)| response.field(name, value),
        );
        let response = response.expect("fields that may be sent");
        retry_after(&response, SystemTime::UNIX_EPOCH + NOW).map(|delay| delay.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        let table = [
            ("120", Some(120)),
            ("0", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            // The three forms of §5.6.7, of one moment.
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            // Now, and before.
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 07:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("\u{661}", None),
        ];
        for (value, expected) in table {
            assert_eq!(asked(&[("Retry-After", value)]), expected, "{value}");
        }
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn a_date_is_read_by_the_servers_clock() {
        let table = [("Sun, 06 Nov 1994 08:50:07 GMT", 30), ("no date", 60)];
        for (date, expected) in table {
            let fields = [("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT"), ("Date", date)];
            assert_eq!(asked(&fields), Some(expected), "{date}");
        }
    }
}
