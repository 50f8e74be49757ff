//! Heads between hyper and the core: each is checked by whoever takes it.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use hyper::ext::Protocol;
use tidewire_common::proto::handshake::{Fields, HttpVersion, Request, RequestError, Response};

use crate::heads;

/// What hyper received, as the core takes it.
pub(crate) fn request(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
    protocol: Option<&Protocol>,
) -> Result<Request, RequestError> {
    let version = match version {
        Version::HTTP_10 => HttpVersion::Http10,
        Version::HTTP_11 => HttpVersion::Http11,
        Version::HTTP_2 => HttpVersion::Http2,
        _ => return Err(RequestError::HttpVersion),
    };
    let mut fields = heads::fields(headers)?;
    let target = match version {
        HttpVersion::Http10 | HttpVersion::Http11 => uri.to_string(),
        HttpVersion::Http2 => {
            convey_host(uri, &mut fields)?;
            // A `CONNECT` that is not extended has no path.
            let path = uri.path_and_query().map(ToString::to_string);
            path.unwrap_or_else(|| uri.to_string())
        }
    };
    let request = Request::new(method.as_str(), &target, fields)?.over(version);
    match protocol {
        Some(protocol) => Ok(request.protocol(protocol.as_str())?),
        None => Ok(request),
    }
}

/// RFC 8441 §5: "The Host information is conveyed as part of the :authority pseudo-header field". Where there is another
/// `Host` as well, both stand there, and the request is refused: RFC 9113 §8.3.1 wants it to be "malformed if it contains
/// a Host header field that identifies an entity that differs from the entity in the ":authority" pseudo-header field".
fn convey_host(uri: &Uri, fields: &mut Fields) -> Result<(), RequestError> {
    let Some(authority) = uri.authority().map(http::uri::Authority::as_str) else {
        return Ok(());
    };
    let is_there = fields
        .all("host")
        .any(|host| host.eq_ignore_ascii_case(authority.as_bytes()));
    if !is_there {
        fields.push("Host", authority)?;
    }
    Ok(())
}

/// What hyper sends to begin a connection.
pub(super) fn consent(status: u16, fields: &Fields) -> http::Response<Bytes> {
    answer(status, fields, Bytes::new())
}

/// What hyper sends instead, over this version.
pub(crate) fn refusal(response: Response, version: Version) -> http::Response<Bytes> {
    let status = response.status();
    let version = match version {
        Version::HTTP_10 => HttpVersion::Http10,
        Version::HTTP_11 => HttpVersion::Http11,
        // Whichever come later have no `Connection` either.
        _ => HttpVersion::Http2,
    };
    let (fields, body) = response.parts(version);
    answer(status, &fields, body.into())
}

fn answer(status: u16, fields: &Fields, body: Bytes) -> http::Response<Bytes> {
    let mut answer = http::Response::new(body);
    // The core has no others.
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *answer.headers_mut() = heads::headers(fields);
    answer
}
