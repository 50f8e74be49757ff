//! The methods that a connection and its halves have in common, written once.

/// What sends, for a type with a `handle`.
macro_rules! sending {
    () => {
        /// Sends a message: when this returns, its bytes were handed to the transport, or another thread that is
        /// writing hands them over in turn. All or nothing.
        ///
        /// Waits while more is queued than the [high-water mark](crate::ConfigBuilder::write_queue) allows, and
        /// while a message in pieces is open. In a [served](crate::serve) connection that has received more than
        /// it was asked for, the message is queued until all that was received has been taken, at most for a few
        /// milliseconds: answers to what came together leave together.
        ///
        /// # Errors
        /// How the connection ended, or [`SendError::Closed`](crate::SendError::Closed) once closing has begun.
        pub fn send(&self, message: impl Into<Outgoing>) -> Result<(), Error> {
            self.handle.send(message.into(), Then::Write)
        }

        /// Queues a message without writing it; waits only as [`send`](Self::send) does. [`flush`](Self::flush)
        /// writes; without it, the message leaves after some milliseconds.
        ///
        /// # Errors
        /// As for [`send`](Self::send).
        pub fn feed(&self, message: impl Into<Outgoing>) -> Result<(), Error> {
            self.handle.send(message.into(), Then::Return)
        }

        /// Queues a message if there is room for it at once, and writes what can be written without waiting.
        ///
        /// # Errors
        /// [`TrySendError::Full`] gives the message back; otherwise as for [`send`](Self::send).
        pub fn try_send(&self, message: impl Into<Outgoing>) -> Result<(), TrySendError> {
            self.handle.try_send(message.into())
        }

        /// Waits until everything that was queued so far was handed to the transport.
        ///
        /// # Errors
        /// How the connection ended.
        pub fn flush(&self) -> Result<(), Error> {
            self.handle.flush()
        }

        /// Opens a message that is sent in pieces; waits while another one is open.
        ///
        /// # Errors
        /// As for [`send`](Self::send).
        pub fn send_pieces(&self, kind: Kind) -> Result<PieceWriter<'_, S>, Error> {
            PieceWriter::open(&self.handle, kind)
        }

        /// Sends a message from the pieces of an iterator, each as a frame of its own and as soon as it is there;
        /// nothing where there are none.
        ///
        /// # Errors
        /// As for [`send`](Self::send), and [`SendError::FragmentKind`](crate::SendError::FragmentKind) for pieces of
        /// both types, after which the connection is closed as by a dropped [`PieceWriter`].
        pub fn send_iter<I>(&self, pieces: I) -> Result<(), Error>
        where
            I: IntoIterator,
            I::Item: Into<Message>,
        {
            crate::piece_writer::send_iter(&self.handle, pieces.into_iter().map(Into::into))
        }

        /// Sends a Ping and waits for the answer: gives the round trip. A Pong answers all earlier pings.
        ///
        /// # Errors
        /// How the connection ended, [`SendError::TooManyPings`](crate::SendError::TooManyPings) beyond 64 that
        /// wait, and [`Error::NotReceiving`] where the answer is not seen for 10 s because it stands behind messages
        /// that nobody receives.
        pub fn ping(&self) -> Result<Duration, Error> {
            self.handle.ping(None)
        }

        /// Sends a Ping with a payload of at most 125 bytes; otherwise as [`ping`](Self::ping).
        ///
        /// # Errors
        /// As for [`ping`](Self::ping), and [`SendError::LongControl`](crate::SendError::LongControl).
        pub fn ping_with(&self, payload: &[u8]) -> Result<Duration, Error> {
            self.handle.ping(Some(payload))
        }

        /// Sends a Pong that nobody asked for, as a heartbeat in one direction.
        ///
        /// # Errors
        /// As for [`send`](Self::send), and [`SendError::LongControl`](crate::SendError::LongControl).
        pub fn pong(&self, payload: &[u8]) -> Result<(), Error> {
            self.handle.pong(payload)
        }

        /// Closes the connection and waits until it has ended, at most for the close timeout.
        ///
        /// A second call sends nothing and waits for the same end, which [`closed`](Self::closed) tells.
        ///
        /// # Errors
        /// [`SendError`](crate::SendError) for a code or a reason that may not be sent; the connection goes on.
        pub fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), SendError> {
            self.handle.start_closing(CloseFrame::new(code, reason))?;
            self.handle.wait_closed();
            Ok(())
        }
    };
}

/// What tells how the connection stands, for a type with a `handle`.
macro_rules! looking {
    () => {
        /// Waits until the connection has ended, and tells how. An end that stands behind more messages than are
        /// [read ahead](crate::ConfigBuilder::read_ahead) is not seen before they are received.
        pub fn wait_closed(&self) -> Closed {
            self.handle.wait_closed()
        }

        /// Waits as [`wait_closed`](Self::wait_closed) does, at most for `timeout`; `None` where the connection goes on.
        pub fn wait_closed_timeout(&self, timeout: Duration) -> Option<Closed> {
            let deadline = clock::after(clock::now(), timeout);
            self.handle.wait_closed_until(deadline)
        }

        /// The last round trip that a ping, keepalive's or the application's, measured.
        pub fn latency(&self) -> Option<Duration> {
            self.handle.lock().session.latency()
        }

        /// What the connection has done so far.
        pub fn metrics(&self) -> Metrics {
            self.handle.lock().session.metrics()
        }

        /// Where the connection stands.
        pub fn phase(&self) -> Phase {
            self.handle.lock().session.phase()
        }

        /// How the connection is being closed, once it is.
        pub fn closed(&self) -> Option<Closed> {
            self.handle.lock().session.closed().cloned()
        }

        /// What the opening handshake said.
        pub fn handshake(&self) -> Handshake {
            self.handle.lock().session.handshake().clone()
        }

        /// The subprotocol that was agreed on.
        pub fn subprotocol(&self) -> Option<String> {
            let state = self.handle.lock();
            state.session.handshake().subprotocol().map(str::to_owned)
        }

        /// The connection's name in logs.
        pub fn id(&self) -> ConnectionId {
            self.handle.lock().session.id()
        }

        /// The byte stream below.
        pub fn transport(&self) -> &S {
            self.handle.transport()
        }
    };
}

/// What receives, for a type with a `handle`.
macro_rules! receiving {
    () => {
        /// Waits for the next message; `None` after a closing handshake with 1000, 1001 or no code.
        ///
        /// Messages that came before the close are given first.
        ///
        /// # Errors
        /// How the connection ended otherwise: [`Error::Protocol`] where the peer broke a rule, [`Error::Closed`]
        /// with another code or without a closing handshake, [`Error::Io`]. The same on each later call.
        pub fn recv(&mut self) -> Result<Option<Message>, Error> {
            forever(self.handle.receive(None, Session::next_message))
        }

        /// Waits for the next message, at most for `timeout`; zero takes what is there, and [`Duration::MAX`] is no
        /// limit. `None` as for [`recv`](Self::recv).
        ///
        /// # Errors
        /// [`RecvTimeoutError::Timeout`] where none came in time, and nothing is lost: the next call goes on;
        /// [`RecvTimeoutError::Failed`] as for [`recv`](Self::recv).
        pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Message>, RecvTimeoutError> {
            let deadline = clock::after(clock::now(), timeout);
            Ok(self.handle.receive(deadline, Session::next_message)?)
        }

        /// Waits for the start of the next message, to receive it in the pieces that arrive; `None` as for
        /// [`recv`](Self::recv).
        ///
        /// # Errors
        /// As for [`recv`](Self::recv).
        pub fn recv_pieces(&mut self) -> Result<Option<Pieces<'_, S>>, Error> {
            let first = forever(self.handle.receive(None, Session::next_chunk))?;
            Ok(first.map(|first| Pieces::new(&self.handle, first)))
        }
    };
}

/// Where a connection leads, for a type with a `handle` over a `Socket`.
macro_rules! addresses {
    () => {
        /// The peer's address; `None` where it has none, or the system has forgotten it, since the connection has ended.
        pub fn peer_addr(&self) -> Option<SocketAddr> {
            self.transport().peer_addr()
        }

        /// Our address; `None` as for [`peer_addr`](Self::peer_addr).
        pub fn local_addr(&self) -> Option<SocketAddr> {
            self.transport().local_addr()
        }
    };
}

pub(crate) use {addresses, looking, receiving, sending};
