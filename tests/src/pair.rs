//! A client and a server joined in memory, under one virtual time.

use std::time::Duration;

use tidewire_proto::deflate::Extension;
use tidewire_proto::extension::ReservedBit;
use tidewire_proto::{Client, Config, Server};

use crate::endpoint::{Endpoint, Keys, Seen};
use crate::toy::Backwards;

/// Two endpoints and nothing between them.
#[derive(Debug)]
pub struct Pair {
    /// The client.
    pub client: Endpoint<Client<Keys>>,
    /// The server.
    pub server: Endpoint<Server>,
}

impl Pair {
    /// Both with the same configuration.
    pub fn new(config: &Config) -> Self {
        Self {
            client: Endpoint::client(config.clone()),
            server: Endpoint::server(config.clone()),
        }
    }

    /// Both with permessage-deflate.
    pub fn with_deflate(config: &Config, extension: &Extension) -> Self {
        Self {
            client: Endpoint::with_deflate(Client::new(Keys::default()), config.clone(), extension),
            server: Endpoint::with_deflate(Server, config.clone(), extension),
        }
    }

    /// Both with an extension on this bit, too.
    pub fn extended(self, bit: ReservedBit) -> Self {
        Self {
            client: self.client.extended(bit, Backwards),
            server: self.server.extended(bit, Backwards),
        }
    }

    /// Carries bytes both ways until there are none; gives what the client and the server saw.
    pub fn exchange(&mut self) -> (Vec<Seen>, Vec<Seen>) {
        let (mut client, mut server) = (Vec::new(), Vec::new());
        loop {
            let (up, down) = (self.client.flush(), self.server.flush());
            if up.is_empty() && down.is_empty() {
                return (client, server);
            }
            if !up.is_empty() {
                server.extend(self.server.receive_bytes(&up));
            }
            if !down.is_empty() {
                client.extend(self.client.receive_bytes(&down));
            }
        }
    }

    /// Lets time pass for both.
    pub fn advance(&mut self, duration: Duration) {
        self.client.advance(duration);
        self.server.advance(duration);
    }
}
