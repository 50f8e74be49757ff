//! What a peer expects.

use tidewire_common::proto::CloseCode;
use tidewire_common::test::{Expected, Frame};

use super::peer::Peer;

impl Peer {
    /// Waits for a text message in one frame.
    ///
    /// # Panics
    /// Where something else comes, or nothing.
    #[track_caller]
    pub fn expect_text(&mut self, text: impl Into<String>) {
        self.expect(Expected::Text(text.into()));
    }

    /// Waits for a binary message in one frame; otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_binary(&mut self, bytes: impl Into<Vec<u8>>) {
        self.expect(Expected::Binary(bytes.into()));
    }

    /// Waits for a Ping; gives its payload, for a Pong. Otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_ping(&mut self) -> Vec<u8> {
        self.expect(Expected::Ping)
    }

    /// Waits for a Pong with this payload; otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_pong(&mut self, payload: impl Into<Vec<u8>>) {
        self.expect(Expected::Pong(payload.into()));
    }

    /// Waits for a Close with this code; gives its reason. Otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_close(&mut self, code: impl Into<CloseCode>) -> String {
        text(&self.expect(Expected::Close(code.into())))
    }

    /// Waits for just this frame; otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_frame(&mut self, frame: Frame) {
        self.expect(Expected::Frame(frame));
    }

    /// Waits for the head of a request or a response, before the opening handshake; gives it with its empty line. Otherwise
    /// as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_head(&mut self) -> String {
        text(&self.expect(Expected::Head))
    }

    /// Waits for the end of the stream, in good order or in a reset; otherwise as [`expect_text`](Self::expect_text).
    ///
    /// # Panics
    /// As [`expect_text`](Self::expect_text) does.
    #[track_caller]
    pub fn expect_end(&mut self) {
        self.expect(Expected::End);
    }

    #[track_caller]
    fn expect(&mut self, expected: Expected) -> Vec<u8> {
        let came = self.come(expected.taken());
        match expected.meet(came) {
            Ok(payload) => payload,
            Err(unexpected) => panic!("{unexpected}"),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
