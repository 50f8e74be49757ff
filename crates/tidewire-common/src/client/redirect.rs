use tidewire_proto::handshake::Response;

use super::target::{Scheme, Target};
use crate::error::UrlError;

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// There were as many before as are followed.
    #[error("redirected more often than {limit} times")]
    TooMany {
        /// How many that are.
        limit: usize,
    },
    /// It leads nowhere.
    #[error("redirected to a {0}")]
    Url(UrlError),
    /// It leads from `wss` to `ws`.
    #[error("redirected from wss to ws")]
    Insecure,
    /// It leads to another origin than the address that was set in place of the URL's.
    #[error("redirected away from the origin that an address was set for")]
    OtherOrigin,
}

/// Where a response redirects to; `None` where it is no redirect.
pub(super) fn location(response: &Response) -> Option<&[u8]> {
    // RFC 9110 §15.4. A 304 or one that is not used any more is none; one without the field leads nowhere.
    match response.status() {
        300..=303 | 307 | 308 => response.fields().first("location"),
        _ => None,
    }
}

/// Reads where a redirect from this target leads.
pub(super) fn follow(target: &Target, location: &[u8]) -> Result<Target, RedirectError> {
    let location = str::from_utf8(location).map_err(|_| RedirectError::Url(UrlError::Character))?;
    // RFC 9110 §10.2.2: "a redirection inherits the original reference's fragment", and a WebSocket has none: what the
    // server adds is for browsers.
    let location = location
        .split_once('#')
        .map_or(location, |(location, _)| location);
    let next = target.join(location).map_err(RedirectError::Url)?;
    match (target.scheme(), next.scheme()) {
        (Scheme::Wss, Scheme::Ws) => Err(RedirectError::Insecure),
        (Scheme::Ws, _) | (Scheme::Wss, Scheme::Wss) => Ok(next),
    }
}
