use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::place::Place;
use super::program::Program;
use super::proxy::Proxy;

/// A proxy that runs on loopback in front of one server, and ends with this.
#[derive(Debug)]
pub struct Front {
    /// Ends before its folder goes.
    _program: Program,
    place: Place,
}

impl Front {
    /// Starts a proxy that cuts connections over which nothing passes for `idle`; `None`, which is printed, where it is not
    /// installed.
    ///
    /// # Panics
    /// Where it does not listen soon, with what it said.
    pub fn start(proxy: Proxy, server: SocketAddr, idle: Duration) -> Option<Self> {
        let program = Program::find(proxy.name())?;
        let place = Place::make();
        let configuration = proxy.configuration(&place, server, idle);
        fs::write(place.folder().join(proxy.file()), configuration).expect("a file");
        let arguments = proxy.arguments(place.folder());
        let addresses = [place.plain(), place.tls()];
        let program = Program::start(&program, arguments, &addresses, &place.log());
        Some(Self {
            _program: program,
            place,
        })
    }

    /// Where it takes WebSocket as it is.
    pub fn plain(&self) -> SocketAddr {
        self.place.plain()
    }

    /// Where it takes it over TLS, as `localhost`.
    pub fn tls(&self) -> SocketAddr {
        self.place.tls()
    }

    /// The file of the certificate that clients are to trust.
    pub fn certificate(&self) -> PathBuf {
        self.place.certificate()
    }
}
