use alloc::string::String;
use alloc::vec::Vec;

use super::client_request::check_authority;
use super::error::InvalidField;
use super::fields::{Fields, write_field};

/// The request with which a client asks an HTTP proxy to connect it to a server (RFC 9110 §9.3.6).
///
/// A [`ResponseReader`](super::ResponseReader) reads the answer. Everything is checked when it is added, and `Debug` leaves
/// out credentials.
///
/// ```
/// use tidewire_proto::handshake::{InvalidField, TunnelRequest};
///
/// let mut out = Vec::new();
/// TunnelRequest::new("example.com:443")?.field("User-Agent", "tidewire")?.write(&mut out);
/// assert!(out.starts_with(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: "));
/// assert!(TunnelRequest::new("example.com:443 HTTP/1.0\r\nX: y").is_err());
/// # Ok::<(), InvalidField>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelRequest {
    authority: String,
    fields: Fields,
}

impl TunnelRequest {
    /// Creates a request for a tunnel to a host, with its port, which may not be missing.
    ///
    /// # Errors
    ///
    /// When it is no authority without user info.
    pub fn new(authority: &str) -> Result<Self, InvalidField> {
        check_authority(authority.as_bytes()).map_err(|byte| InvalidField::Host { byte })?;
        Ok(Self {
            authority: authority.into(),
            fields: Fields::new(),
        })
    }

    /// Adds a header field.
    ///
    /// # Errors
    ///
    /// As for [`Fields::push`], and for `Host` and those that frame a message.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        self.fields.push_of_request(name, value.as_ref())?;
        Ok(self)
    }

    /// Appends the request to the output.
    pub fn write(&self, out: &mut Vec<u8>) {
        for part in ["CONNECT ", &self.authority, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        // RFC 9112 §3.2: "If the target URI includes an authority component, then a client MUST send a field value for
        // Host that is identical to that authority component, excluding any userinfo subcomponent".
        write_field(out, "Host", self.authority.as_bytes());
        self.fields.write(out);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn nothing_can_be_added_to_it_that_is_a_line_of_its_own() -> Result<(), InvalidField> {
        for authority in ["", "a b:1", "a:1\r\nX: y", "user@a:1", "a:1/", "ä:1", "a\0:1"] {
            let refused = TunnelRequest::new(authority);
            assert!(matches!(refused, Err(InvalidField::Host { .. })), "{authority:?}");
        }
        for (name, value) in [("Host", "a"), ("content-length", "1"), ("Upgrade", "a")] {
            let refused = TunnelRequest::new("[::1]:443")?.field(name, value);
            assert_eq!(refused, Err(InvalidField::Reserved { name: name.into() }));
        }
        for value in ["a\r\nB: c", "a\0", "a\n"] {
            let refused = TunnelRequest::new("[::1]:443")?.field("A", value);
            assert!(matches!(refused, Err(InvalidField::Value { .. })), "{value:?}");
        }
        Ok(())
    }

    #[test]
    fn debug_shows_no_credentials() -> Result<(), InvalidField> {
        let request = TunnelRequest::new("a:1")?.field("Proxy-Authorization", "Basic s3cret")?;
        assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
        Ok(())
    }
}
