/// How many connections a server bears at a time; by default any number, which only the machine bounds.
///
/// One beyond a cap is answered with 503, without a look at its request. Dozens are answered so at a time; where even more
/// come, they are dropped without an answer, so that refusing has a bound, too.
///
/// ```
/// # use tidewire_common::Caps;
/// let caps = Caps::default().connections(10_000).per_address(50).handshakes(500);
/// # let _ = caps;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    pub(super) connections: Option<usize>,
    pub(super) per_address: Option<usize>,
    pub(super) handshakes: Option<usize>,
}

impl Caps {
    /// Caps all connections, those that are in their opening handshake included.
    pub fn connections(mut self, count: usize) -> Self {
        self.connections = Some(count);
        self
    }

    /// Caps the connections from one IPv4 address, or from one IPv6 network of 64 bits, which is what a single client has.
    ///
    /// Behind a load balancer all come from its address, unless it says whose they are by a
    /// [PROXY header](crate::ProxyProtocol); and many clients may share one address (NAT), so be generous. Connections
    /// without an IP address are not counted.
    pub fn per_address(mut self, count: usize) -> Self {
        self.per_address = Some(count);
        self
    }

    /// Caps the connections that are in their opening handshake, TLS included: those who have proved nothing yet.
    pub fn handshakes(mut self, count: usize) -> Self {
        self.handshakes = Some(count);
        self
    }

    /// Whether there is one.
    pub(super) fn any(&self) -> bool {
        self.connections
            .or(self.per_address)
            .or(self.handshakes)
            .is_some()
    }
}
