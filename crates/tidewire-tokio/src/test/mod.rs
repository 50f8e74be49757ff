//! For applications that test their own handlers and clients, behind the feature `test-util`: connections in memory, a
//! scripted peer, and time that is not waited for.
//!
//! ```toml
//! [dev-dependencies]
//! tidewire = { version = "0.1", features = ["test-util"] }
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! ```
//!
//! # Testing a handler
//!
//! [`pair`] gives both ends of a connection, after a real opening handshake: one is for the handler, the other is the
//! test's. [`WebSocket::run`](crate::WebSocket::run) treats the handler as [`serve`](crate::serve) does; called by itself,
//! it has no [driver](crate#the-driver).
//!
//! ```
//! use tidewire_tokio::{Error, WebSocket, test};
//!
//! async fn shout(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = ws.recv().await? {
//!         ws.send(message.as_text().unwrap_or("what?").to_uppercase()).await?;
//!     }
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (server, mut client) = test::pair().await;
//! let handler = tokio::spawn(server.run(shout));
//! client.send("hello").await?;
//! assert_eq!(client.recv().await?, Some("HELLO".into()));
//! client.close(1000, "").await?;
//! handler.await??;
//! # Ok(())
//! # }
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
//! use tidewire_tokio::test::{Frame, Pair};
//! use tidewire_tokio::{Error, WebSocket};
//!
//! /// Asks for a name.
//! async fn ask(ws: &mut WebSocket) -> Result<Option<String>, Error> {
//!     ws.send("name?").await?;
//!     Ok(ws.recv().await?.and_then(|name| name.as_text().map(str::to_owned)))
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut client, mut peer) = Pair::new().client().await?;
//! let answers = async {
//!     peer.expect_text("name?").await;
//!     // In two frames, with a ping between them.
//!     peer.send(Frame::text("A").unfinished()).await;
//!     peer.send(Frame::ping("there?")).await;
//!     peer.send(Frame::continuation("da")).await;
//!     peer.expect_pong("there?").await;
//! };
//! let (name, ()) = tokio::join!(ask(&mut client), answers);
//! assert_eq!(name?.as_deref(), Some("Ada"));
//! # Ok(())
//! # }
//! ```
//!
//! # Testing what a peer does wrong
//!
//! A [`Peer`] sends whatever a test wants: wrong frames, half of one, bytes that are none; it stops reading when nothing is
//! expected of it, and [cuts](Peer::cut) the connection.
//!
//! ```
//! use tidewire_tokio::test::{Frame, Pair};
//! use tidewire_tokio::{Error, ProtocolError};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut server, mut peer) = Pair::new().server().await?;
//! peer.send(Frame::text("no mask").wrongly_masked()).await;
//! let received = tokio::join!(server.recv(), async {
//!     peer.expect_close(1002).await;
//!     peer.cut();
//! });
//! assert!(matches!(received.0, Err(Error::Protocol(ProtocolError::MaskMissing))));
//!
//! let (mut server, mut peer) = Pair::new().server().await?;
//! peer.send_bytes(b"\x81\xfehalf a header").await;
//! peer.cut();
//! assert!(matches!(server.recv().await, Err(Error::Closed(_))));
//! # Ok(())
//! # }
//! ```
//!
//! # Testing time
//!
//! The adapter's clock is tokio's. Where that is paused (`tokio::time::pause`), it moves when all tasks wait, to the next
//! deadline: hours pass in a moment, and each deadline is met to the millisecond. Everything in this module is in memory, so
//! nothing happens that tokio does not know of.
//!
//! ```
//! use std::time::Duration;
//! use tidewire_tokio::test::Pair;
//! use tidewire_tokio::{Error, ProtocolError};
//! use tokio::time::Instant;
//!
//! # // In a test: #[tokio::test(start_paused = true)]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (server, mut peer) = Pair::new().server().await?;
//! let start = Instant::now();
//! let handler = tokio::spawn(server.run(async |mut ws| ws.recv().await));
//! // By default a peer is pinged after 20 s, and given up when it is silent for as long again.
//! peer.expect_ping().await;
//! peer.expect_close(1011).await;
//! peer.expect_end().await;
//! assert_eq!(start.elapsed().as_secs(), 40);
//! peer.cut();
//! let end = handler.await?;
//! assert!(matches!(end, Err(Error::Protocol(ProtocolError::KeepaliveTimeout { .. }))));
//! # Ok(())
//! # }
//! ```

mod expecting;
mod pair;
mod peer;

pub use pair::{Pair, pair, pipe};
pub use peer::Peer;
pub use tidewire_common::test::{Frame, LengthForm};
