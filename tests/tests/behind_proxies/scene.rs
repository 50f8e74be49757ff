use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tidewire_tests::live::{ADAPTERS, Adapter, Front, PROXIES, Proxy, Running};
use tidewire_tokio::http2::Http2;
use tidewire_tokio::{Config, Connect, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::servers::{End, serve_blocking, serve_tokio};

/// How clients come to the proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Plain,
    Tls,
}

/// What a client has under its WebSocket, either way.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A proxy with a server of ours behind it.
pub(crate) struct Scene {
    proxy: Proxy,
    adapter: Adapter,
    way: Way,
    front: Front,
    server: Running,
    ends: Mutex<UnboundedReceiver<End>>,
}

/// Runs a test behind each proxy that is installed, plain and with TLS, with a server of each adapter; all at once. The
/// proxies cut connections over which nothing passes for `idle`.
pub(crate) async fn through_each(idle: Duration, config: Config, test: impl AsyncFn(&Scene)) {
    let mut scenes = Vec::new();
    for proxy in PROXIES {
        for adapter in ADAPTERS {
            for way in [Way::Plain, Way::Tls] {
                scenes.extend(Scene::set(proxy, adapter, way, idle, config.clone()));
            }
        }
    }
    join_all(scenes.iter().map(|scene| test(scene))).await;
}

impl Scene {
    fn set(proxy: Proxy, adapter: Adapter, way: Way, idle: Duration, config: Config) -> Option<Self> {
        let (tell, ends) = unbounded_channel();
        let server = match adapter {
            Adapter::Tokio => serve_tokio(proxy, config, tell),
            Adapter::Blocking => serve_blocking(proxy, config, tell),
        };
        let front = Front::start(proxy, server.address(), idle)?;
        Some(Self {
            proxy,
            adapter,
            way,
            front,
            server,
            ends: Mutex::new(ends),
        })
    }

    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Where the proxy is.
    fn address(&self) -> SocketAddr {
        match self.way {
            Way::Plain => self.front.plain(),
            Way::Tls => self.front.tls(),
        }
    }

    pub(crate) fn url(&self) -> String {
        let port = self.address().port();
        match self.way {
            Way::Plain => format!("ws://localhost:{port}/"),
            Way::Tls => format!("wss://localhost:{port}/"),
        }
    }

    /// The certificate to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.front.certificate()
    }

    /// Connects through the proxy, without a keepalive of its own.
    pub(crate) async fn connect(&self) -> WebSocket<Box<dyn Stream>> {
        self.connect_with(|connect| connect).await
    }

    /// As [`connect`](Self::connect), with more settings.
    pub(crate) async fn connect_with(
        &self,
        set: impl FnOnce(Connect) -> Connect,
    ) -> WebSocket<Box<dyn Stream>> {
        let stream = TcpStream::connect(self.address()).await.expect("a proxy");
        let stream: Box<dyn Stream> = match self.way {
            Way::Plain => Box::new(stream),
            Way::Tls => {
                let name = ServerName::try_from("localhost").expect("a name");
                let stream = self.connector().connect(name, stream).await;
                Box::new(stream.expect("a handshake of TLS"))
            }
        };
        let config = Config::builder()
            .keepalive(None)
            .build()
            .expect("no contradiction");
        // The stream is there already: what leads to it is no matter.
        let connect = set(Connect::new("ws://localhost/").config(config));
        connect
            .over(stream)
            .await
            .unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// A connection of HTTP/2 to a proxy that takes WebSocket over it, which `HAProxy` does in the clear and with these files,
    /// and what is asked for on it.
    pub(crate) async fn http2(&self) -> Option<(Http2, Connect)> {
        match (self.proxy, self.way) {
            (Proxy::Haproxy | Proxy::HaproxyWithHeaders, Way::Plain) => {}
            (Proxy::Nginx, _) | (_, Way::Tls) => return None,
        }
        let connect = Connect::new(self.url());
        let http2 = Http2::connect(&connect).await;
        Some((http2.unwrap_or_else(|error| panic!("{self}: {error}")), connect))
    }

    fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(self.certificate()).expect("a certificate");
        roots.add(certificate).expect("a certificate");
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    /// How the next connection ended that did, for its handler; `None` where there is no server any more.
    pub(crate) async fn ended(&self) -> Option<End> {
        self.ends.lock().await.recv().await
    }

    pub(crate) fn shut_down(&self) {
        self.server.shut_down(Duration::from_secs(20));
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            proxy, adapter, way, ..
        } = self;
        write!(f, "{proxy:?}, {way:?}, a server of {adapter:?}")
    }
}
