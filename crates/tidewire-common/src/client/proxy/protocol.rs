use std::fmt;

/// What a proxy is spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    /// HTTP over TLS.
    Https,
    /// Told addresses of IPv4 alone.
    Socks4,
    /// Told names, too.
    Socks4a,
    /// Told addresses: names are looked up here.
    Socks5,
    /// Told names.
    Socks5h,
}

impl Protocol {
    pub(super) fn of_scheme(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "http" => Self::Http,
            "https" => Self::Https,
            "socks4" => Self::Socks4,
            "socks4a" => Self::Socks4a,
            "socks5" => Self::Socks5,
            // Without a number, as desktops set it, it is the latest, and leaks no name to whoever is asked for it here.
            "socks5h" | "socks" => Self::Socks5h,
            _ => return None,
        })
    }

    pub(super) fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks4 | Self::Socks4a | Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks4 => "socks4",
            Self::Socks4a => "socks4a",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        })
    }
}
