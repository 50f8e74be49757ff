use tidewire::tokio::{Request, Response};

const PAGE: &str = include_str!("page.html");

/// The page loads nothing, and speaks to nobody but the server it came from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
    connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers a browser that was led here by its address bar with a page to try the server from.
pub(crate) fn answer(request: &Request) -> Option<Response> {
    if !wants_page(request) {
        return None;
    }
    let response = Response::new(200).ok()?;
    let response = response.field("Content-Type", "text/html; charset=utf-8").ok()?;
    let response = response.field("Content-Security-Policy", POLICY).ok()?;
    let response = response.field("X-Content-Type-Options", "nosniff").ok()?;
    Some(response.body(PAGE))
}

/// Whoever says anything about an upgrade gets the answer that an upgrade gets, and never the page.
fn wants_page(request: &Request) -> bool {
    let fields = request.fields();
    let is_upgrade = fields.iter().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name == "upgrade" || name.starts_with("sec-websocket-")
    });
    request.method() == "GET" && !is_upgrade && fields.tokens("accept").any(is_html)
}

/// Whether an element of `Accept` is `text/html`, with or without parameters; `*/*` comes from programs.
fn is_html(range: &[u8]) -> bool {
    let kind = range.split(|&byte| byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"text/html")
}

#[cfg(test)]
mod tests {
    use tidewire::proto::handshake::InvalidField;
    use tidewire::tokio::Fields;

    use super::*;

    #[test]
    fn the_page_is_for_browsers_that_ask_for_no_upgrade() -> Result<(), InvalidField> {
        let html = ("Accept", "text/html");
        for (method, sent, expected) in [
            ("GET", vec![html], true),
            (
                "GET",
                vec![("accept", "application/xml, TEXT/HTML ;q=0.9, */*")],
                true,
            ),
            ("GET", vec![("Accept", "a/b"), html], true),
            ("GET", vec![("Accept", "*/*")], false),
            ("GET", vec![("Accept", "text/html5")], false),
            ("GET", vec![], false),
            ("HEAD", vec![html], false),
            ("POST", vec![html], false),
            ("GET", vec![html, ("upgrade", "websocket")], false),
            ("GET", vec![html, ("Upgrade", "h2c")], false),
            ("GET", vec![html, ("sec-websocket-key", "x")], false),
            ("GET", vec![html, ("Sec-WebSocket-Version", "13")], false),
        ] {
            let mut fields = Fields::new();
            for (name, value) in &sent {
                fields.push(name, value)?;
            }
            let request = Request::new(method, "/", fields)?;
            assert_eq!(answer(&request).is_some(), expected, "{method} {sent:?}");
        }
        Ok(())
    }
}
