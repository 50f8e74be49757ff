use tidewire::tokio::{Request, Response};

/// What `--health` says: a path, to be compared with that of a request.
pub(crate) fn parse(path: &str) -> Result<String, String> {
    if path.starts_with('/') && !path.contains(['?', '#']) {
        Ok(path.to_owned())
    } else {
        Err("a path begins with / and has neither ? nor #".into())
    }
}

/// Answers whoever asks on this path whether the server serves: by being there, it does.
pub(crate) fn answer(path: &str, request: &Request) -> Option<Response> {
    if request.method() != "GET" || request.path() != path {
        return None;
    }
    let response = Response::new(200).ok()?;
    let response = response.field("Content-Type", "text/plain").ok()?;
    Some(response.body("ok\n"))
}

#[cfg(test)]
mod tests {
    use tidewire::tokio::Fields;

    use super::*;

    #[test]
    fn a_path_is_taken_and_anything_else_is_not() {
        for path in ["/", "/healthz", "/health/live"] {
            assert_eq!(parse(path).as_deref(), Ok(path));
        }
        for wrong in ["", "healthz", "ws://a/healthz", "/healthz?full", "/#a"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_a_get_of_the_path_is_answered() {
        for (method, target, expected) in [
            ("GET", "/healthz", true),
            ("GET", "/healthz?verbose", true),
            ("GET", "/healthz/", false),
            ("GET", "/", false),
            ("POST", "/healthz", false),
            ("HEAD", "/healthz", false),
        ] {
            let request = Request::new(method, target, Fields::new()).expect("a request");
            assert_eq!(
                answer("/healthz", &request).is_some(),
                expected,
                "{method} {target}"
            );
        }
    }
}
