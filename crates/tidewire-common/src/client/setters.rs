/// The setters of an adapter's `Connect`, which has [`ClientSettings`] as `settings`: the same in each.
#[doc(hidden)]
#[macro_export]
macro_rules! connect_settings {
    () => {
        /// Offers a subprotocol, the favourite first.
        pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
            self.settings.subprotocols.push(subprotocol.into());
            self
        }

        /// Offers an [extension](crate::extension), in place of one offered before.
        pub fn extension(mut self, extension: impl $crate::proto::extension::Extension + 'static) -> Self {
            self.settings.offer(extension);
            self
        }

        /// Offers to compress messages; [`Deflate::default`](crate::Deflate) has the settings that suit most.
        pub fn deflate(mut self, deflate: $crate::Deflate) -> Self {
            self.settings.deflate = Some(deflate);
            self
        }

        /// Adds a header field to the request.
        ///
        /// `Authorization`, `Cookie` and `Proxy-Authorization` are sent to the origin of the URL alone, not to another one
        /// that it redirects to.
        pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.settings.fields.push((name.into(), value.into()));
            self
        }

        /// Says which page the connection is for, as browsers do: `https://example.com`. By default nothing is said.
        pub fn origin(mut self, origin: impl Into<String>) -> Self {
            self.settings.origin = Some(origin.into());
            self
        }

        /// Says what program this is, in place of `tidewire/` and the version.
        pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
            self.settings.user_agent = Some(user_agent.into());
            self
        }

        /// Does not say what program this is.
        pub fn no_user_agent(mut self) -> Self {
            self.settings.user_agent = None;
            self
        }

        /// Asks for this host, with its port if that is not the scheme's own, in place of the URL's; the connection leads to
        /// the URL's all the same.
        pub fn host(mut self, host: impl Into<String>) -> Self {
            self.settings.host = Some(host.into());
            self
        }

        /// Sends a cookie, beside those set before, to the origin of the URL.
        pub fn cookie(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.settings.cookies.push((name.into(), value.into()));
            self
        }

        /// Shows a user and a password (RFC 7617) to the origin of the URL, in place of those in the URL. In the clear,
        /// unless it is a `wss` one.
        pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
            let basic = $crate::Authorization::Basic(user.into(), password.into());
            self.settings.authorization = Some(basic);
            self
        }

        /// Shows a token (RFC 6750) to the origin of the URL. In the clear, unless it is a `wss` one.
        pub fn bearer_auth(mut self, token: impl Into<String>) -> Self {
            self.settings.authorization = Some($crate::Authorization::Bearer(token.into()));
            self
        }

        /// Speaks TLS by these settings where the URL, or one that it redirects to, is a `wss` one. By default whoever the
        /// system trusts is trusted, as [`ClientTls::platform`](crate::ClientTls::platform) says; its certificates are read
        /// once for the process, when the first such connection is opened.
        ///
        /// A certificate of the client's and a server's name are for the origin of the URL: where a redirect leads to another
        /// one, neither goes along.
        #[cfg(feature = "tls")]
        pub fn tls(mut self, tls: impl Into<$crate::ClientTls>) -> Self {
            self.settings.tls = Some(tls.into());
            self
        }

        /// Follows so many redirects at most, 10 by default; 0 follows none, and they are refusals like any other.
        ///
        /// A redirect to `ws` from `wss`, or to another scheme, is refused. What was said to the origin of the URL in
        /// confidence is not said to another one: `Authorization`, `Cookie` and `Proxy-Authorization`.
        pub fn redirects(mut self, redirects: usize) -> Self {
            self.settings.redirects = redirects;
            self
        }

        /// Connects to one of these addresses in place of the URL's host, whose name is not looked up. They are tried like
        /// those of a name, the first of them first. Whatever was set here or by [`unix`](Self::unix) before is replaced.
        ///
        /// The server is still asked for what the URL says, its host included. Redirects are followed within the origin of
        /// the URL alone.
        pub fn addresses(mut self, addresses: impl IntoIterator<Item = ::std::net::SocketAddr>) -> Self {
            let addresses = addresses.into_iter().collect();
            self.settings.destination = Some($crate::dial::Destination::Addresses(addresses));
            self
        }

        /// Connects to a Unix socket in place of the URL's host; otherwise as [`addresses`](Self::addresses).
        pub fn unix(mut self, path: impl Into<::std::path::PathBuf>) -> Self {
            self.settings.destination = Some($crate::dial::Destination::Unix(path.into()));
            self
        }

        /// Sets what the client's sockets are like, and from which address they connect.
        pub fn socket_options(mut self, options: $crate::dial::SocketOptions) -> Self {
            self.settings.socket_options = options;
            self
        }

        /// Has `tell` told of each frame that is sent or received, for a trace: `.trace(|frame| eprintln!("{frame}"))`.
        ///
        /// It is called while the connection works, and must not use it. Where one thread sends while another receives,
        /// what they tell may come in either order. The opening handshake is not shown, nor anything over HTTP/2, or of a
        /// stream of one's own, over which [`over`](Self::over) leads.
        pub fn trace(mut self, tell: impl Fn(&$crate::TracedFrame<'_>) + Send + Sync + 'static) -> Self {
            self.settings.trace = Some($crate::Trace::new(tell));
            self
        }

        /// Connects through this [`Proxy`](crate::Proxy), through the one that these
        /// [variables](crate::ProxyVariables) name, or [through none](crate::ProxyChoice::Direct). By default, those of
        /// the environment name it, as they are when the attempt begins.
        ///
        /// It is asked for the URL's host, for `ws` as for `wss`, and for that of each redirect, for which variables are
        /// asked again. Where [something else](Self::addresses) is set in the host's place, a proxy that was set is asked
        /// for that, and variables for nothing; no proxy leads to a [Unix socket](Self::unix). The peer's address is then
        /// the proxy's. A stream [of one's own](Self::over) is used as it is.
        pub fn proxy(mut self, proxy: impl Into<$crate::ProxyChoice>) -> Self {
            self.settings.proxy = proxy.into();
            self
        }

        /// Sets limits, deadlines and queues.
        pub fn config(mut self, config: $crate::Config) -> Self {
            self.config = config;
            self
        }

        /// Checks all that was set, as is done before anything is sent.
        ///
        /// # Errors
        /// [`HandshakeError`](crate::HandshakeError) for the first that cannot be.
        pub fn check(&self) -> Result<(), $crate::HandshakeError> {
            $crate::Journey::new(&self.settings).map(|_| ())
        }
    };
}
