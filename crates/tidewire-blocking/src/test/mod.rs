//! For applications that test their own handlers and clients, behind the feature `test-util`: connections in memory, a
//! scripted peer, and time that is not waited for.
//!
//! ```toml
//! [dev-dependencies]
//! tidewire = { version = "0.1", features = ["blocking", "test-util"] }
//! ```
//!
//! # Testing a handler
//!
//! [`pair`] gives both ends of a connection, after a real opening handshake: one is for the handler, in a thread of its own,
//! the other is the test's. [`WebSocket::run`](crate::WebSocket::run) treats the handler as [`serve`](crate::serve) does.
//!
//! ```
//! use std::thread;
//! use tidewire_blocking::{Error, WebSocket, test};
//!
//! fn shout(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = ws.recv()? {
//!         ws.send(message.as_text().unwrap_or("what?").to_uppercase())?;
//!     }
//!     Ok(())
//! }
//!
//! let (server, mut client) = test::pair();
//! let handler = thread::spawn(|| server.run(shout));
//! client.send("hello")?;
//! assert_eq!(client.recv()?, Some("HELLO".into()));
//! client.close(1000, "")?;
//! handler.join().expect("no panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a handler finds in its request, which subprotocol it speaks, how much it may send to a client that does not read:
//! that is for a [`Pair`].
//!
//! # Testing a client
//!
//! The other way round: the client is the application's, and the test has the server's end. A [`Peer`] in its place says
//! frame by frame what comes and what goes.
//!
//! ```
//! use std::thread;
//! use tidewire_blocking::test::{Frame, Pair};
//! use tidewire_blocking::{Error, WebSocket};
//!
//! /// Asks for a name.
//! fn ask(mut ws: WebSocket) -> Result<Option<String>, Error> {
//!     ws.send("name?")?;
//!     Ok(ws.recv()?.and_then(|name| name.as_text().map(str::to_owned)))
//! }
//!
//! let (client, mut peer) = Pair::new().client()?;
//! let name = thread::spawn(|| ask(client));
//! peer.expect_text("name?");
//! // In two frames, with a ping between them.
//! peer.send(Frame::text("A").unfinished());
//! peer.send(Frame::ping("there?"));
//! peer.send(Frame::continuation("da"));
//! peer.expect_pong("there?");
//! assert_eq!(name.join().expect("no panic")?.as_deref(), Some("Ada"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Testing what a peer does wrong
//!
//! A [`Peer`] sends whatever a test wants: wrong frames, half of one, bytes that are none; it stops reading when nothing is
//! expected of it, and [cuts](Peer::cut) the connection.
//!
//! ```
//! use tidewire_blocking::test::{Frame, Pair};
//! use tidewire_blocking::{Error, ProtocolError};
//!
//! let (mut server, mut peer) = Pair::new().server()?;
//! peer.send(Frame::text("no mask").wrongly_masked());
//! let receiving = std::thread::spawn(move || server.recv());
//! peer.expect_close(1002);
//! peer.cut();
//! let received = receiving.join().expect("no panic");
//! assert!(matches!(received, Err(Error::Protocol(ProtocolError::MaskMissing))));
//!
//! let (mut server, mut peer) = Pair::new().server()?;
//! peer.send_bytes(b"\x81\xfehalf a header");
//! peer.cut();
//! assert!(matches!(server.recv(), Err(Error::Closed(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Testing time
//!
//! A [`Time`] stops the clock of all connections and moves it by hand: hours pass in a moment, and each deadline is met to
//! the nanosecond. (The tokio adapter has no such thing, since its clock is tokio's, which can be paused.)
//!
//! ```
//! use std::thread;
//! use std::time::Duration;
//! use tidewire_blocking::test::{Pair, Time};
//! use tidewire_blocking::{Error, ProtocolError};
//!
//! let mut time = Time::take();
//! let (server, mut peer) = Pair::new().server()?;
//! let handler = thread::spawn(move || server.run(|mut ws| ws.recv().map(|_| ())));
//! // By default a peer is pinged after 20 s, and given up when it is silent for as long again.
//! time.advance(Duration::from_secs(40));
//! peer.expect_ping();
//! peer.expect_close(1011);
//! peer.expect_end();
//! peer.cut();
//! let end = handler.join().expect("no panic");
//! assert!(matches!(end, Err(Error::Protocol(ProtocolError::KeepaliveTimeout { .. }))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod expecting;
mod pair;
mod peer;
mod pipe;
mod signals;
mod time;

pub use pair::{Pair, pair};
pub use peer::Peer;
pub use pipe::pipe;
pub use tidewire_common::test::{Frame, LengthForm};
pub use time::Time;
