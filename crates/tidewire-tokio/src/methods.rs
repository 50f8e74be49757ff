//! The methods that a connection and its halves have in common, written once.

/// What receives, for a type with a `handle`.
macro_rules! receiving {
    () => {
        /// Waits for the next message; `None` after a closing handshake with 1000, 1001 or no code.
        ///
        /// Messages that came before the close are given first.
        ///
        /// # Errors
        /// How the connection ended otherwise: [`Error::Protocol`] where the peer broke a rule, [`Error::Closed`] with
        /// another code or without a closing handshake, [`Error::Io`]. The same on each later call.
        ///
        /// # Cancel safety
        /// Safe: no byte is lost, the next call goes on.
        pub fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> {
            poll_fn(|cx| self.handle.poll_message(cx))
        }

        /// Waits for the start of the next message, to receive it in the pieces that arrive; `None` as for
        /// [`recv`](Self::recv).
        ///
        /// # Errors
        /// As for [`recv`](Self::recv).
        ///
        /// # Cancel safety
        /// Safe until it gives the pieces; they say what dropping them does.
        pub async fn recv_pieces(&mut self) -> Result<Option<Pieces<'_, S>>, Error> {
            let first = poll_fn(|cx| self.handle.poll_chunk(cx)).await?;
            Ok(first.map(|first| Pieces::new(&self.handle, first)))
        }
    };
}

/// What sends, for a type with a `handle`.
macro_rules! sending {
    () => {
        /// Sends a message.
        ///
        /// With a driver it is queued, and waits only above the high-water mark; it leaves when the application next
        /// waits. Without one it is written before this returns.
        ///
        /// # Errors
        /// How the connection ended, or [`SendError::Closed`](crate::SendError::Closed) once closing has begun.
        ///
        /// # Cancel safety
        /// All or nothing: the message was queued whole, and will be written by any later progress, or never taken.
        pub fn send(&self, message: impl Into<Outgoing>) -> impl Future<Output = Result<(), Error>> {
            calls::send(&self.handle, message.into(), State::poll_flushed)
        }

        /// Queues a message without writing it; waits only above the high-water mark. [`flush`](Self::flush) writes.
        ///
        /// # Errors
        /// As for [`send`](Self::send).
        ///
        /// # Cancel safety
        /// As for [`send`](Self::send).
        pub fn feed(&self, message: impl Into<Outgoing>) -> impl Future<Output = Result<(), Error>> {
            calls::send(&self.handle, message.into(), |_| Poll::Ready(Ok(())))
        }

        /// Queues a message if there is room for it at once.
        ///
        /// # Errors
        /// [`TrySendError::Full`] gives the message back; otherwise as for [`send`](Self::send).
        pub fn try_send(&self, message: impl Into<Outgoing>) -> Result<(), TrySendError> {
            calls::try_send(&self.handle, message.into())
        }

        /// Writes everything that was queued. With a driver this is needed only before long work without an await.
        ///
        /// # Errors
        /// How the connection ended.
        ///
        /// # Cancel safety
        /// Safe: may be dropped and called again.
        pub async fn flush(&self) -> Result<(), Error> {
            Waiter::new(&self.handle).wait(State::poll_flushed).await
        }

        /// Opens a message that is sent in pieces; waits while another one is open.
        ///
        /// # Errors
        /// As for [`send`](Self::send).
        ///
        /// # Cancel safety
        /// Safe until it gives the writer; that says what dropping it does.
        pub async fn send_pieces(&self, kind: Kind) -> Result<PieceWriter<'_, S>, Error> {
            PieceWriter::open(&self.handle, kind).await
        }

        /// Sends a message from the pieces of an iterator, each as a frame of its own; nothing where there are none.
        ///
        /// ```no_run
        /// # async fn example(ws: tidewire_tokio::WebSocket) -> Result<(), tidewire_tokio::Error> {
        /// ws.send_iter(["a message ", "in three ", "pieces"]).await?;
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        /// As for [`send`](Self::send), and [`SendError::FragmentKind`](crate::SendError::FragmentKind) for pieces of
        /// both types.
        ///
        /// # Cancel safety
        /// Dropping it half-way closes the connection, as dropping a [`PieceWriter`] does.
        pub async fn send_iter<I>(&self, pieces: I) -> Result<(), Error>
        where
            I: IntoIterator,
            I::Item: Into<Message>,
        {
            crate::pieces::send_iter(&self.handle, pieces.into_iter().map(Into::into)).await
        }

        /// Sends a message from the pieces of a stream, each as soon as it is there; nothing where there are none.
        ///
        /// # Errors
        /// As for [`send_iter`](Self::send_iter).
        ///
        /// # Cancel safety
        /// As for [`send_iter`](Self::send_iter).
        pub async fn send_stream<T>(&self, pieces: T) -> Result<(), Error>
        where
            T: futures_core::Stream,
            T::Item: Into<Message>,
        {
            crate::pieces::send_stream(&self.handle, pieces).await
        }

        /// Sends a Ping and waits for the answer: gives the round trip. A Pong answers all earlier pings.
        ///
        /// An answer behind messages that nobody receives is not seen once as many were read ahead as may be: ping
        /// where another task receives, or beside `recv` in `select!`. (The blocking adapter, whose calls cannot be
        /// dropped, gives up then.)
        ///
        /// # Errors
        /// How the connection ended, [`SendError::TooManyPings`](crate::SendError::TooManyPings) beyond 64 that wait.
        ///
        /// # Cancel safety
        /// May be dropped; the ping is on its way, and its answer is not missed by anybody.
        pub async fn ping(&self) -> Result<Duration, Error> {
            calls::ping(&self.handle, None).await
        }

        /// Sends a Ping with a payload of at most 125 bytes; otherwise as [`ping`](Self::ping).
        ///
        /// # Errors
        /// As for [`ping`](Self::ping), and [`SendError::LongControl`](crate::SendError::LongControl).
        pub async fn ping_with(&self, payload: &[u8]) -> Result<Duration, Error> {
            calls::ping(&self.handle, Some(payload)).await
        }

        /// Sends a Pong that nobody asked for, as a heartbeat in one direction.
        ///
        /// # Errors
        /// As for [`send`](Self::send), and [`SendError::LongControl`](crate::SendError::LongControl).
        ///
        /// # Cancel safety
        /// As for [`send`](Self::send).
        pub async fn pong(&self, payload: &[u8]) -> Result<(), Error> {
            calls::pong(&self.handle, payload).await
        }

        /// Closes the connection and waits until it has ended, at most for the close timeout.
        ///
        /// A second call sends nothing and waits for the same end, which [`closed`](Self::closed) tells.
        ///
        /// # Errors
        /// [`SendError`] for a code or a reason that may not be sent; the connection goes on.
        ///
        /// # Cancel safety
        /// Safe: may be dropped and called again; one Close is ever sent.
        pub async fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), SendError> {
            calls::close(&self.handle, CloseFrame::new(code, reason)).await
        }
    };
}

/// What looks at the connection, for a type with a `handle`.
macro_rules! looking {
    () => {
        /// Waits until the connection has ended, and tells how.
        pub async fn wait_closed(&self) -> Closed {
            calls::wait_closed(&self.handle).await
        }

        /// The last round trip that a ping, keepalive's or the application's, measured.
        pub fn latency(&self) -> Option<Duration> {
            self.handle.with(|state| state.session.latency())
        }

        /// What the connection has done so far.
        pub fn metrics(&self) -> Metrics {
            self.handle.with(|state| state.session.metrics())
        }

        /// Where the connection stands.
        pub fn phase(&self) -> Phase {
            self.handle.with(|state| state.session.phase())
        }

        /// How the connection is being closed, once it is.
        pub fn closed(&self) -> Option<Closed> {
            self.handle.with(|state| state.session.closed().cloned())
        }

        /// What the opening handshake said.
        pub fn handshake(&self) -> Handshake {
            self.handle.with(|state| state.session.handshake().clone())
        }

        /// The subprotocol that was agreed on.
        pub fn subprotocol(&self) -> Option<String> {
            self.handle
                .with(|state| state.session.handshake().subprotocol().map(str::to_owned))
        }

        /// The connection's name in logs.
        pub fn id(&self) -> ConnectionId {
            self.handle.with(|state| state.session.id())
        }

        /// Looks at the byte stream below; `None` once the connection has ended.
        pub fn with_transport<T>(&self, look: impl FnOnce(&S) -> T) -> Option<T> {
            self.handle.with(|state| state.io().map(look))
        }
    };
}

/// Where a connection leads, for a type with a `handle` over a `Socket`.
macro_rules! addresses {
    () => {
        /// The peer's address, if it has one; `None` once the connection has ended.
        pub fn peer_addr(&self) -> Option<SocketAddr> {
            self.with_transport(Socket::peer_addr)?
        }

        /// Our address, if there is one; `None` once the connection has ended.
        pub fn local_addr(&self) -> Option<SocketAddr> {
            self.with_transport(Socket::local_addr)?
        }
    };
}
