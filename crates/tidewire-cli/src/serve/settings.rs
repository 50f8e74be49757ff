use std::num::NonZeroUsize;

use tidewire::tokio::{Caps, Config, ProxyProtocol, ServerPolicy, ServerTls};

use super::policy;
use crate::arguments::{CapArguments, ConnectionArguments, ServeArguments, TlsArguments};
use crate::failure::Failure;
use crate::shown::Escaped;

/// What a server is told, on either runtime.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) policy: ServerPolicy,
    pub(super) caps: Caps,
    pub(super) proxy_protocol: Option<ProxyProtocol>,
    pub(super) tls: Option<ServerTls>,
}

impl Settings {
    pub(super) fn gather(arguments: &ServeArguments) -> Result<Self, Failure> {
        Ok(Self {
            config: config(&arguments.connections)?,
            policy: policy::gather(arguments)?,
            caps: caps(&arguments.caps),
            proxy_protocol: arguments.listening.proxy_protocol.clone(),
            tls: tls(&arguments.tls)?,
        })
    }

    /// What URLs of the server begin with.
    pub(super) fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "wss",
            None => "ws",
        }
    }
}

/// Tells a server of either runtime its settings: the methods are the same, the types are not.
macro_rules! with_settings {
    ($server:expr, $settings:expr) => {{
        let $crate::serve::settings::Settings {
            config,
            policy,
            caps,
            proxy_protocol,
            tls,
        } = $settings;
        let mut server = $server.config(config).policy(policy).caps(caps);
        if let Some(protocol) = proxy_protocol {
            server = server.proxy_protocol(protocol);
        }
        match tls {
            Some(tls) => server.tls(tls),
            None => server,
        }
    }};
}
pub(super) use with_settings;

fn config(arguments: &ConnectionArguments) -> Result<Config, Failure> {
    let mut config = Config::builder();
    if let Some(bytes) = arguments.max_message_size {
        config = config.max_message_size(bytes);
    }
    if arguments.no_keepalive {
        config = config.keepalive(None);
    }
    config
        .build()
        .map_err(|error| Failure::start("configuration", error))
}

fn caps(arguments: &CapArguments) -> Caps {
    let CapArguments {
        connections,
        per_address,
        handshakes,
    } = *arguments;
    let set = |caps: Caps, count: Option<NonZeroUsize>, cap: fn(Caps, usize) -> Caps| match count {
        Some(count) => cap(caps, count.get()),
        None => caps,
    };
    let caps = set(Caps::default(), connections, Caps::connections);
    let caps = set(caps, per_address, Caps::per_address);
    set(caps, handshakes, Caps::handshakes)
}

fn tls(arguments: &TlsArguments) -> Result<Option<ServerTls>, Failure> {
    match (&arguments.tls_certificate, &arguments.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => ServerTls::files(certificate, key)
            .map(Some)
            .map_err(|error| Failure::start("TLS", Escaped(&error.to_string()))),
        (Some(_), None) => Err(Failure::Start("--tls-certificate without --tls-key".into())),
        (None, Some(_)) => Err(Failure::Start("--tls-key without --tls-certificate".into())),
    }
}
