//! Futures are dropped after any number of polls, and streams end after any byte: nothing is lost, doubled or torn.
//!
//! The stream below moves one byte a call, and answers every other call with a vain wake-up.

use std::future::{Future, poll_fn};
use std::ops::Range;
use std::pin::pin;
use std::task::Poll;

use tidewire_tests::live::{Script, Trickle, bounded, drive, trickling};
use tidewire_tests::reference::{self, Sender};
use tidewire_tests::wire::{Frame, stream};
use tidewire_tokio::{CloseCode, Config, Error, Message, Side, WebSocket};
use tokio::task::yield_now;

/// The two sides, each the one under test in turn.
const SIDES: [Sender; 2] = [Sender::Server, Sender::Client];

/// More polls than any of the operations here needs.
const POLLS: usize = 60;

fn other(side: Sender) -> Sender {
    match side {
        Sender::Server => Sender::Client,
        Sender::Client => Sender::Server,
    }
}

/// Polls a future `polls` times and drops it; gives its output where that was enough.
async fn up_to<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        // Lets a driver work, and gives the task its budget back.
        yield_now().await;
    }
    None
}

/// Polls a future until it is ready, some thousand times at most.
async fn done<T>(what: &str, future: impl Future<Output = T>) -> T {
    match up_to(10_000, future).await {
        Some(output) => output,
        None => panic!("no end: {what}"),
    }
}

/// Calls what is dropped after this many polls, again and again until one call ends.
async fn persistently<T>(polls: usize, mut call: impl AsyncFnMut() -> T) -> T {
    let calls = async {
        loop {
            if let Some(output) = up_to(polls, call()).await {
                break output;
            }
        }
    };
    done("calls that are dropped", calls).await
}

/// Each side with each number of polls, and the name of the row.
fn rows(polls: Range<usize>) -> impl Iterator<Item = (Sender, usize, String)> {
    let row = |side, polls| (side, polls, format!("{side:?}, {polls} polls"));
    SIDES
        .into_iter()
        .flat_map(move |side| polls.clone().map(move |polls| row(side, polls)))
}

/// What the endpoint under test wrote: each frame's first byte and payload.
fn frames(side: Sender, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    reference::frames(bytes, side)
        .into_iter()
        .map(|frame| (u8::from(frame.fin) << 7 | frame.opcode, frame.payload))
        .collect()
}

/// Every kind of frame, and how often a whole message ends.
fn exchange() -> Vec<Frame> {
    vec![
        Frame::text("hello"),
        Frame::ping("one"),
        Frame::text("frag").more(),
        Frame::ping("two"),
        Frame::continuation("mented ").more(),
        Frame::continuation("é"),
        Frame::binary([9; 200]),
        Frame::text(""),
        Frame::close_with(1000, "bye"),
    ]
}

/// The messages in [`exchange`], each with the number of the frame it ends with.
fn messages() -> [(usize, Message); 4] {
    [
        (0, "hello".into()),
        (5, "fragmented é".into()),
        (6, vec![9; 200].into()),
        (7, "".into()),
    ]
}

/// Everything that an endpoint owes for [`exchange`].
fn answers() -> Vec<(u8, Vec<u8>)> {
    vec![
        (0x8a, b"one".to_vec()),
        (0x8a, b"two".to_vec()),
        (0x88, 1000_u16.to_be_bytes().to_vec()),
    ]
}

/// Checks that all of [`exchange`] was received and answered.
fn check_exchange(row: &str, side: Sender, received: &[Message], script: &Script) {
    let expected = messages().map(|(_, message)| message);
    assert_eq!(received, expected, "{row}");
    assert_eq!(frames(side, &script.take_output()), answers(), "{row}");
}

#[tokio::test(start_paused = true)]
async fn recv_dropped_after_any_number_of_polls_loses_no_byte() {
    bounded(async {
        for (side, polls, row) in rows(1..POLLS) {
            let (mut ws, script) = trickling(side, Config::default()).await;
            script.feed(&stream(&exchange(), other(side)));
            script.end();
            let mut received = Vec::new();
            while let Some(message) = persistently(polls, async || ws.recv().await)
                .await
                .expect("a clean end")
            {
                received.push(message);
            }
            check_exchange(&row, side, &received, &script);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_dropped_after_any_number_of_polls_loses_no_byte() {
    bounded(async {
        for (side, polls, row) in rows(1..POLLS) {
            let (ws, script) = trickling(side, Config::default()).await;
            let (_tx, mut rx) = ws.split();
            script.feed(&stream(&exchange(), other(side)));
            script.end();
            let mut received = Vec::new();
            while let Some(message) = persistently(polls, async || rx.recv().await)
                .await
                .expect("a clean end")
            {
                received.push(message);
            }
            check_exchange(&row, side, &received, &script);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn recv_pieces_dropped_after_any_number_of_polls_loses_no_byte() {
    bounded(async {
        for polls in 1..POLLS {
            let (mut ws, script) = trickling(Sender::Server, Config::default()).await;
            script.feed(&stream(&exchange(), Sender::Client));
            script.end();
            for (_, expected) in messages() {
                // Asked for in pieces, given up before there was one, and then taken whole.
                let mut joined = Vec::new();
                if let Some(pieces) = up_to(polls, ws.recv_pieces()).await {
                    let mut pieces = pieces.expect("open").expect("a message");
                    while let Some(piece) = persistently(polls, async || pieces.next().await)
                        .await
                        .expect("open")
                    {
                        joined.extend_from_slice(piece.as_bytes());
                    }
                } else {
                    let message = done("recv", ws.recv()).await.expect("open").expect("a message");
                    joined.extend_from_slice(message.as_bytes());
                }
                assert_eq!(joined, expected.as_bytes(), "{polls} polls");
            }
            assert!(done("recv", ws.recv()).await.expect("a clean end").is_none());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn send_dropped_after_any_number_of_polls_is_all_or_nothing() {
    bounded(async {
        for (side, polls, row) in rows(0..POLLS) {
            let (ws, script) = trickling(side, Config::default()).await;
            up_to(polls, ws.send("dropped")).await.transpose().expect("open");
            done("send", ws.send("kept")).await.expect("open");
            let mut expected = vec![(0x81, b"kept".to_vec())];
            if polls > 0 {
                expected.insert(0, (0x81, b"dropped".to_vec()));
            }
            assert_eq!(frames(side, &script.take_output()), expected, "{row}");
        }
    })
    .await;
}

/// A server whose queue one message fills.
async fn one_at_a_time() -> (WebSocket<Trickle>, Script) {
    let config = Config::builder()
        .write_queue(1)
        .build()
        .expect("no contradiction");
    trickling(Sender::Server, config).await
}

/// Checks what was written where one of three messages was given up while it waited for room.
fn check_waiting(script: &Script, taken: bool, polls: usize) {
    let written = frames(Sender::Server, &script.take_output());
    let texts: Vec<_> = written.iter().map(|(_, payload)| payload.as_slice()).collect();
    let with: [&[u8]; 3] = [b"first", b"dropped", b"kept"];
    let without: [&[u8]; 2] = [b"first", b"kept"];
    assert!(
        texts == with || (texts == without && !taken),
        "{polls} polls: {texts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn send_dropped_while_it_waits_for_room_is_all_or_nothing() {
    bounded(async {
        for polls in 0..POLLS {
            let (ws, script) = one_at_a_time().await;
            ws.try_send("first").expect("room");
            let taken = up_to(polls, ws.send("dropped")).await.is_some();
            done("send", ws.send("kept")).await.expect("open");
            check_waiting(&script, taken, polls);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_senders_send_dropped_while_it_waits_for_room_is_all_or_nothing() {
    bounded(async {
        for polls in 0..POLLS {
            let (ws, script) = one_at_a_time().await;
            let (tx, _rx) = ws.split();
            tx.try_send("first").expect("room");
            let taken = up_to(polls, tx.send("dropped")).await.is_some();
            done("send", tx.send("kept")).await.expect("open");
            done("flush", tx.flush()).await.expect("open");
            check_waiting(&script, taken, polls);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn flush_dropped_after_any_number_of_polls_goes_on() {
    bounded(async {
        for (side, polls, row) in rows(0..POLLS) {
            let (ws, script) = trickling(side, Config::default()).await;
            for text in ["a", "b", "c"] {
                ws.feed(text).await.expect("open");
            }
            up_to(polls, ws.flush()).await.transpose().expect("open");
            done("flush", ws.flush()).await.expect("open");
            let expected = [b"a", b"b", b"c"].map(|text| (0x81, text.to_vec()));
            assert_eq!(frames(side, &script.take_output()), expected, "{row}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn close_dropped_after_any_number_of_polls_is_sent_once() {
    bounded(async {
        for (side, polls, row) in rows(0..POLLS) {
            let (ws, script) = trickling(side, Config::default()).await;
            ws.feed("last").await.expect("open");
            up_to(polls, ws.close(1000, "first"))
                .await
                .transpose()
                .expect("a fine code");
            let (code, reason) = if polls == 0 {
                (1001, "second")
            } else {
                (1000, "first")
            };
            script.feed(&Frame::close_with(code, "").sent_by(other(side)));
            script.end();
            done("close", ws.close(1001, "second"))
                .await
                .expect("a fine code");
            let expected = [
                (0x81, b"last".to_vec()),
                (0x88, [&code.to_be_bytes()[..], reason.as_bytes()].concat()),
            ];
            assert_eq!(frames(side, &script.take_output()), expected, "{row}");
            let closed = ws.closed().expect("closed");
            assert!(closed.is_clean(), "{row}: {closed:?}");
            assert_eq!(closed.first(), Some(Side::Local), "{row}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ping_dropped_after_any_number_of_polls_is_sent_once() {
    bounded(async {
        for (side, polls, row) in rows(0..POLLS) {
            let (ws, script) = trickling(side, Config::default()).await;
            assert!(up_to(polls, ws.ping_with(b"dropped")).await.is_none());
            // One answer to both: a Pong answers all pings before it.
            script.feed(&Frame::pong("kept").sent_by(other(side)));
            let mut early = Vec::new();
            let kept = async {
                // The answer above is one that nobody asked for where it is read before the ping is queued.
                let mut kept = pin!(ws.ping_with(b"kept"));
                loop {
                    if let Some(round_trip) = up_to(20, kept.as_mut()).await {
                        break round_trip;
                    }
                    early.extend(script.take_output());
                    script.feed(&Frame::pong("kept").sent_by(other(side)));
                }
            };
            done("ping", kept).await.expect("open");
            done("flush", ws.flush()).await.expect("open");
            early.extend(script.take_output());
            let mut expected = vec![(0x89, b"kept".to_vec())];
            if polls > 0 {
                expected.insert(0, (0x89, b"dropped".to_vec()));
            }
            assert_eq!(frames(side, &early), expected, "{row}");
        }
    })
    .await;
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    Eof,
    Reset,
}

/// The messages that were received, and how that ended.
type Seen = (Vec<Message>, Result<(), Error>);

/// Receives up to the end.
async fn all(ws: &mut WebSocket<Trickle>) -> Seen {
    let mut received = Vec::new();
    loop {
        match done("recv", ws.recv()).await {
            Ok(Some(message)) => received.push(message),
            Ok(None) => return (received, Ok(())),
            Err(error) => return (received, Err(error)),
        }
    }
}

/// Checks what the application saw of an exchange of which only the first `at` bytes arrived.
fn check_cut(
    side: Sender,
    cut: Cut,
    at: usize,
    (received, end): Seen,
    ws: &WebSocket<Trickle>,
    written: &[u8],
) {
    let what = format!("{side:?}, {cut:?} after {at} bytes");
    let exchange = exchange();
    let end_of = |frame: usize| stream(&exchange[..=frame], other(side)).len();
    let whole = end_of(exchange.len() - 1);
    let expected: Vec<_> = messages()
        .into_iter()
        .filter(|(last, _)| end_of(*last) <= at)
        .map(|(_, message)| message)
        .collect();
    assert_eq!(received, expected, "{what}");
    let closed = ws.closed().expect("closed");
    if at == whole {
        assert!(end.is_ok(), "{what}: {end:?}");
        assert!(closed.is_clean(), "{what}: {closed:?}");
        assert_eq!(closed.code(), CloseCode::NORMAL, "{what}");
        if cut == Cut::Eof {
            assert_eq!(frames(side, written), answers(), "{what}");
        }
        return;
    }
    match (cut, end) {
        (Cut::Eof, Err(Error::Closed(error))) => assert_eq!(error.code(), CloseCode::ABNORMAL, "{what}"),
        (Cut::Reset, Err(Error::Io(error))) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{what}");
        }
        (_, end) => panic!("{what}: {end:?}"),
    }
    assert!(!closed.is_clean(), "{what}");
    assert_eq!(closed.code(), CloseCode::ABNORMAL, "{what}");
    // What was owed before the cut may have left in part: nothing else may.
    let owed = stream(&[Frame::pong("one"), Frame::pong("two")], Sender::Server);
    assert!(
        side == Sender::Client || owed.starts_with(written),
        "{what}: {}",
        written.escape_ascii()
    );
}

/// Cuts an exchange after each of its bytes, and checks what `receive` sees of it.
async fn check_cuts(receive: impl AsyncFn(WebSocket<Trickle>, usize) -> (WebSocket<Trickle>, Seen)) {
    for side in SIDES {
        let bytes = stream(&exchange(), other(side));
        for cut in [Cut::Eof, Cut::Reset] {
            for at in 0..=bytes.len() {
                let (ws, script) = trickling(side, Config::default()).await;
                script.feed(&bytes[..at]);
                match cut {
                    Cut::Eof => script.end(),
                    Cut::Reset => script.reset(),
                }
                let (ws, seen) = receive(ws, at).await;
                check_cut(side, cut, at, seen, &ws, &script.take_output());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_cut_after_any_byte_gives_what_was_whole_and_then_one_end() {
    bounded(check_cuts(async |mut ws, _| {
        let seen = all(&mut ws).await;
        let again = done("recv", ws.recv()).await;
        assert_eq!(
            again.map(drop).map_err(|error| error.to_string()),
            seen.1.as_ref().map(|&()| ()).map_err(ToString::to_string)
        );
        (ws, seen)
    }))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_driven_exchange_cut_after_any_byte_gives_what_was_whole_and_then_one_end() {
    bounded(check_cuts(async |ws, at| {
        let run = drive(ws, async |mut ws| {
            // The driver reads ahead meanwhile, some more each time.
            for _ in 0..at {
                yield_now().await;
            }
            let seen = all(&mut ws).await;
            (ws, seen)
        });
        done("run", run).await
    }))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_told_to_who_sends_and_not_to_who_receives() {
    bounded(async {
        for side in SIDES {
            let (mut ws, script) = trickling(side, Config::default()).await;
            script.fail_writes();
            script.feed(&stream(&[Frame::text("before")], other(side)));
            assert!(
                matches!(done("send", ws.send("lost")).await, Err(Error::Io(_))),
                "{side:?}"
            );
            assert!(
                matches!(done("flush", ws.flush()).await, Err(Error::Io(_))),
                "{side:?}"
            );
            let received = done("recv", ws.recv()).await.expect("received before");
            assert_eq!(received, Some("before".into()), "{side:?}");
            script.end();
            assert!(
                matches!(done("recv", ws.recv()).await, Err(Error::Io(_))),
                "{side:?}"
            );
        }
    })
    .await;
}
