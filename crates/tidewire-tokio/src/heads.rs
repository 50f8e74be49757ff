//! Fields between HTTP libraries and the core: each is checked by whoever takes it.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use tidewire_common::proto::handshake::{Fields, InvalidField};

/// What a library received, as the core takes it.
pub(crate) fn fields(headers: &HeaderMap) -> Result<Fields, InvalidField> {
    let mut fields = Fields::new();
    for (name, value) in headers {
        fields.push(name.as_str(), value)?;
    }
    Ok(fields)
}

/// What a library is to send.
pub(crate) fn headers(fields: &Fields) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.iter() {
        // The core's fields are tokens with values of the same bytes.
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}
