//! What a peer expects.

use std::future::Future;
use std::panic::Location;

use tidewire_common::proto::CloseCode;
use tidewire_common::test::{Expected, Frame};

use super::peer::Peer;

impl Peer {
    /// Waits for a text message in one frame.
    ///
    /// # Panics
    /// Where something else comes, or nothing.
    ///
    /// # Cancel safety
    /// As for [`recv`](Self::recv).
    #[track_caller]
    pub fn expect_text(&mut self, text: impl Into<String>) -> impl Future<Output = ()> {
        self.expect(Expected::Text(text.into()), |_| ())
    }

    /// Waits for a binary message in one frame; otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_binary(&mut self, bytes: impl Into<Vec<u8>>) -> impl Future<Output = ()> {
        self.expect(Expected::Binary(bytes.into()), |_| ())
    }

    /// Waits for a Ping; gives its payload, for a Pong. Otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_ping(&mut self) -> impl Future<Output = Vec<u8>> {
        self.expect(Expected::Ping, |payload| payload)
    }

    /// Waits for a Pong with this payload; otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_pong(&mut self, payload: impl Into<Vec<u8>>) -> impl Future<Output = ()> {
        self.expect(Expected::Pong(payload.into()), |_| ())
    }

    /// Waits for a Close with this code; gives its reason. Otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_close(&mut self, code: impl Into<CloseCode>) -> impl Future<Output = String> {
        self.expect(Expected::Close(code.into()), |reason| {
            String::from_utf8_lossy(&reason).into_owned()
        })
    }

    /// Waits for just this frame; otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_frame(&mut self, frame: Frame) -> impl Future<Output = ()> {
        self.expect(Expected::Frame(frame), |_| ())
    }

    /// Waits for the head of a request or a response, before the opening handshake; gives it with its empty line. Otherwise
    /// as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_head(&mut self) -> impl Future<Output = String> {
        self.expect(Expected::Head, |head| String::from_utf8_lossy(&head).into_owned())
    }

    /// Waits for the end of the stream, in good order or in a reset; otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_end(&mut self) -> impl Future<Output = ()> {
        self.expect(Expected::End, |_| ())
    }

    #[track_caller]
    fn expect<T>(&mut self, expected: Expected, give: fn(Vec<u8>) -> T) -> impl Future<Output = T> {
        let asked = Location::caller();
        async move {
            let came = self.come(expected.taken()).await;
            match expected.meet(came) {
                Ok(payload) => give(payload),
                Err(unexpected) => panic!("{unexpected} ({asked})"),
            }
        }
    }
}
