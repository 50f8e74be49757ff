//! The closing handshake (§5.5.1, §7) in all orders, and what becomes of the transport.

use tidewire_proto::{
    Client, CloseCode, CloseFrame, CloseNote, Closed, Config, End, Fate, MAX_REASON, Phase, ProtocolError,
    Role, SendError, Server, Side,
};
use tidewire_tests::endpoint::{Endpoint, Keys, Seen};
use tidewire_tests::pair::Pair;
use tidewire_tests::wire::{Frame, stream};

fn server() -> Endpoint<Server> {
    Endpoint::server(Config::new())
}

fn client() -> Endpoint<Client<Keys>> {
    Endpoint::client(Config::new())
}

/// The payloads of the Close frames that leave now; nothing else may.
fn closes<R: Role>(endpoint: &mut Endpoint<R>) -> Vec<Vec<u8>> {
    let frames = endpoint.flush_frames();
    assert!(frames.iter().all(|frame| frame.opcode == 8), "{frames:?}");
    frames.into_iter().map(|frame| frame.payload).collect()
}

fn closed<R: Role>(endpoint: &Endpoint<R>) -> &Closed {
    endpoint.connection.closed().expect("the connection is closed")
}

/// §7.4.1, §7.4.2 and the registry: 1004 is reserved, 1005, 1006 and 1015 are never sent.
fn may_be_sent(code: u16) -> bool {
    match code {
        1004..=1006 | 1015 => false,
        1000..=1014 => true,
        _ => (3000..5000).contains(&code),
    }
}

#[test]
fn each_of_the_65536_codes_received_is_echoed_or_refused() {
    for code in 0..=u16::MAX {
        let mut server = server();
        let seen = server.receive(&[Frame::close_with(code, "why")]);
        let answers = closes(&mut server);
        let [answer] = &answers[..] else {
            panic!("code {code}: {answers:?}");
        };
        if may_be_sent(code) {
            let want = Seen::Close(Some((code.into(), "why".into())));
            assert_eq!((seen, &answer[..]), (vec![want], &code.to_be_bytes()[..]));
            assert!(closed(&server).is_clean(), "code {code}");
            assert_eq!(closed(&server).code(), code.into());
        } else {
            let want = ProtocolError::CloseCode { code: code.into() };
            assert_eq!(seen, [Seen::Failed(want)]);
            assert_eq!(answer[..2], 1002u16.to_be_bytes(), "code {code}");
            assert!(!closed(&server).is_clean(), "code {code}");
        }
    }
}

#[test]
fn each_of_the_65536_codes_is_sent_or_refused() {
    for code in 0..=u16::MAX {
        let mut server = server();
        let sent = server.send(|tx| tx.close(CloseFrame::new(code, "")));
        if may_be_sent(code) {
            assert_eq!(sent, Ok(()), "code {code}");
            assert_eq!(closes(&mut server), [code.to_be_bytes()]);
        } else {
            assert_eq!(sent, Err(SendError::CloseCode { code: code.into() }));
            assert_eq!(
                (&server.out[..], server.connection.phase()),
                (&b""[..], Phase::Open),
                "code {code}"
            );
        }
    }
}

#[test]
fn our_close_answered_by_theirs_is_clean_and_ours() {
    let mut client = client();
    client
        .send(|tx| tx.close(CloseFrame::new(1001, "leaving")))
        .expect("the connection is open");
    assert_eq!(
        (client.connection.phase(), client.connection.fate()),
        (Phase::Closing, Fate::KeepOpen)
    );
    client.receive(&[Frame::close_with(1001, "")]);
    assert_eq!(
        (client.connection.phase(), client.connection.fate()),
        (Phase::Over, Fate::AwaitPeer)
    );
    let note = |reason: &str| CloseNote {
        code: Some(CloseCode::GOING_AWAY),
        reason: reason.into(),
    };
    assert_eq!(closed(&client).first(), Some(Side::Local));
    assert_eq!(closed(&client).sent(), Some(&note("leaving")));
    assert_eq!(closed(&client).received(), Some(&note("")));
    assert_eq!(
        (closed(&client).code(), closed(&client).reason()),
        (CloseCode::GOING_AWAY, "")
    );
    assert!(closed(&client).is_clean());
    client.connection.handle_end();
    assert_eq!(
        (client.connection.phase(), client.connection.fate()),
        (Phase::Ended, Fate::Drop)
    );
    assert!(closed(&client).is_clean());
}

#[test]
fn their_close_is_echoed_once_without_its_reason() {
    let mut server = server();
    let seen = server.receive(&[Frame::close_with(4000, "done"), Frame::close_with(4001, "again")]);
    assert_eq!(seen, [Seen::Close(Some((4000.into(), "done".into())))]);
    assert_eq!(closes(&mut server), [4000u16.to_be_bytes()]);
    assert_eq!(
        (server.connection.phase(), server.connection.fate()),
        (Phase::Over, Fate::HalfClose)
    );
    assert_eq!(closed(&server).first(), Some(Side::Remote));
    assert_eq!(
        (closed(&server).code().as_u16(), closed(&server).reason()),
        (4000, "done")
    );
    assert!(closed(&server).is_clean());
}

#[test]
fn an_empty_close_gets_an_empty_echo() {
    let mut server = server();
    assert_eq!(server.receive(&[Frame::close("")]), [Seen::Close(None)]);
    assert_eq!(server.out, b"\x88\x00");
    assert_eq!(closed(&server).code(), CloseCode::NO_STATUS);
    assert!(closed(&server).is_clean());
}

#[test]
fn a_close_of_one_byte_breaks_the_protocol() {
    let mut server = server();
    assert_eq!(
        server.receive(&[Frame::close(*b"\x03")]),
        [Seen::Failed(ProtocolError::CloseLength)]
    );
    assert_eq!(closes(&mut server)[0][..2], *b"\x03\xea", "1002");
}

#[test]
fn a_reason_that_is_no_text_is_invalid_payload() {
    let mut server = server();
    let seen = server.receive(&[Frame::close(*b"\x03\xe8ok\xff")]);
    assert_eq!(seen, [Seen::Failed(ProtocolError::CloseReason)]);
    assert_eq!(closes(&mut server)[0][..2], *b"\x03\xef", "1007");
}

#[test]
fn two_closes_that_cross_are_both_first_and_both_clean() {
    let mut pair = Pair::new(&Config::new());
    pair.client
        .send(|tx| tx.close(CloseFrame::new(1000, "client")))
        .expect("the connection is open");
    pair.server
        .send(|tx| tx.close(CloseFrame::new(1001, "server")))
        .expect("the connection is open");
    let (client, server) = pair.exchange();
    assert_eq!(client, [Seen::Close(Some((1001.into(), "server".into())))]);
    assert_eq!(server, [Seen::Close(Some((1000.into(), "client".into())))]);
    for closed in [closed(&pair.client), closed(&pair.server)] {
        assert!(closed.is_clean());
        assert_eq!(closed.first(), Some(Side::Local));
    }
    assert_eq!(pair.client.connection.fate(), Fate::AwaitPeer);
    assert_eq!(pair.server.connection.fate(), Fate::HalfClose);
}

#[test]
fn a_reason_may_have_123_bytes_and_no_more() {
    let mut server = server();
    let long = "r".repeat(MAX_REASON + 1);
    let refused = server.send(|tx| tx.close(CloseFrame::new(1000, &long)));
    assert_eq!(refused, Err(SendError::LongReason { len: 124 }));
    assert_eq!(
        (&server.out[..], server.connection.phase()),
        (&b""[..], Phase::Open)
    );
    let sent = server.send(|tx| tx.close(CloseFrame::new(1000, &long[1..])));
    assert_eq!(sent, Ok(()));
    assert_eq!(closes(&mut server)[0].len(), 125);
}

#[test]
fn nothing_is_sent_after_a_close() {
    for who in ["we", "they"] {
        let mut server = server();
        if who == "we" {
            server.send(|tx| tx.close(None)).expect("the connection is open");
        } else {
            server.receive(&[Frame::close("")]);
        }
        server.flush();
        let refused = Err(SendError::Closed);
        assert_eq!(server.send(|tx| tx.message("late")), refused, "{who} closed");
        assert_eq!(
            server.send(|tx| tx.fragment("late", End::More)),
            refused,
            "{who} closed"
        );
        assert_eq!(server.send(|tx| tx.ping().map(|_| ())), refused, "{who} closed");
        assert_eq!(server.send(|tx| tx.pong(b"late")), refused, "{who} closed");
        assert_eq!(
            server.send(|tx| tx.close(CloseFrame::new(1000, "late"))),
            refused,
            "{who} closed"
        );
        assert_eq!(server.out, b"", "{who} closed");
    }
}

#[test]
fn what_the_peer_sent_before_its_close_is_delivered_after_ours() {
    let mut server = server();
    server.send(|tx| tx.close(None)).expect("the connection is open");
    let late = [
        Frame::text("la").more(),
        Frame::ping("?"),
        Frame::continuation("te"),
        Frame::close(""),
    ];
    let seen = server.receive(&late);
    assert_eq!(
        seen,
        [
            Seen::Ping(b"?".to_vec()),
            Seen::Text("late".into()),
            Seen::Close(None)
        ]
    );
    assert_eq!(closes(&mut server), [b""], "no Pong after our Close");
}

#[test]
fn nothing_is_delivered_after_the_peer_s_close() {
    let mut server = server();
    let seen = server.receive(&[Frame::close(""), Frame::text("late")]);
    assert_eq!(seen, [Seen::Close(None)]);
    assert_eq!(server.receive(&[Frame::text("later"), Frame::close("")]), []);
    assert_eq!(server.receive_bytes(b"\xff\xff not even frames"), []);
    assert_eq!(closes(&mut server), [b""]);
    assert!(closed(&server).is_clean());
}

#[test]
fn an_error_sticks_and_its_close_frame_is_sent_once() {
    let mut client = client();
    let error = ProtocolError::MaskForbidden;
    assert_eq!(client.receive_bytes(b"\x81\x85"), [Seen::Failed(error)]);
    assert_eq!(client.receive(&[Frame::text("fine")]), [Seen::Failed(error)]);
    assert_eq!(client.receive(&[Frame::close("")]), [Seen::Failed(error)]);
    assert_eq!(closes(&mut client), [b"\x03\xeaframe from a server with a mask"]);
    assert_eq!(
        (client.connection.phase(), client.connection.fate()),
        (Phase::Over, Fate::AwaitPeer)
    );
    assert_eq!(closed(&client).first(), Some(Side::Local));
    assert_eq!(
        (closed(&client).cause(), closed(&client).code()),
        (Some(error), CloseCode::ABNORMAL)
    );
    assert!(!closed(&client).is_clean());
}

#[test]
fn an_error_still_sticks_after_the_end_and_changes_no_phase() {
    let mut server = server();
    let error = ProtocolError::ReservedBits { bits: 0b111 };
    assert_eq!(server.receive_bytes(b"\xff\xff"), [Seen::Failed(error)]);
    server.flush();
    server.connection.handle_end();
    for _ in 0..3 {
        assert_eq!(server.receive_bytes(b"more"), [Seen::Failed(error)]);
        assert_eq!(
            (server.connection.phase(), server.connection.fate()),
            (Phase::Ended, Fate::Drop)
        );
        assert_eq!((server.deadline(), &server.out[..]), (None, &b""[..]));
    }
}

#[test]
fn a_fault_after_our_close_is_an_error_and_sends_no_second_close() {
    let mut server = server();
    server
        .send(|tx| tx.close(CloseFrame::new(1000, "")))
        .expect("the connection is open");
    assert_eq!(
        server.receive(&[Frame::text(*b"\xff")]),
        [Seen::Failed(ProtocolError::InvalidText)]
    );
    assert_eq!(closes(&mut server), [1000u16.to_be_bytes()]);
    assert_eq!(server.connection.phase(), Phase::Over);
    assert!(!closed(&server).is_clean());
}

#[test]
fn an_end_without_a_close_is_1006_and_unclean_in_every_phase_before_the_handshake_is_over() {
    type Before = fn(&mut Endpoint<Server>);
    let rows: [(&str, Before); 4] = [
        ("open", |_| {}),
        ("inside a message", |server| {
            drop(server.receive(&[Frame::text("half").more()]));
        }),
        ("inside a frame", |server| {
            drop(server.receive_bytes(b"\x81\x85mask"));
        }),
        ("closing", |server| {
            server.send(|tx| tx.close(None)).expect("the connection is open");
        }),
    ];
    for (row, before) in rows {
        let mut server = server();
        before(&mut server);
        server.connection.handle_end();
        assert_eq!(
            (server.connection.phase(), server.connection.fate()),
            (Phase::Ended, Fate::Drop),
            "{row}"
        );
        let closed = closed(&server);
        assert_eq!(
            (closed.code(), closed.reason()),
            (CloseCode::ABNORMAL, ""),
            "{row}"
        );
        assert!(!closed.is_clean(), "{row}");
        assert_eq!(closed.cause(), None, "{row}");
        assert_eq!(
            server.receive_bytes(b""),
            [],
            "{row}: a partial message is never delivered"
        );
    }
}

#[test]
fn an_end_before_anybody_closed_has_no_first_side() {
    let mut client = client();
    assert_eq!(client.connection.closed(), None);
    client.connection.handle_end();
    assert_eq!(closed(&client).first(), None);
    assert_eq!((closed(&client).sent(), closed(&client).received()), (None, None));
}

#[test]
fn a_peer_that_sends_on_after_the_frames_are_over_is_dropped_beyond_1_mib() {
    let mut server = server();
    server.receive(&[Frame::close("")]);
    let chunk = vec![0x81; 64 * 1024];
    for _ in 0..16 {
        assert_eq!(server.receive_bytes(&chunk), []);
    }
    assert_eq!(server.connection.fate(), Fate::HalfClose, "at exactly 1 MiB");
    server.receive_bytes(b"\x81");
    assert_eq!(
        (server.connection.phase(), server.connection.fate()),
        (Phase::Ended, Fate::Drop)
    );
    assert_eq!(server.deadline(), None);
    assert!(closed(&server).is_clean());
}

#[test]
fn input_behind_a_fault_counts_to_the_1_mib_that_are_discarded() {
    let mut server = server();
    let bytes = [&b"\xff\xff"[..], &vec![0; (1 << 20) + 1]].concat();
    let error = ProtocolError::ReservedBits { bits: 0b111 };
    assert_eq!(server.receive_bytes(&bytes), [Seen::Failed(error)]);
    assert_eq!((server.connection.fate(), server.deadline()), (Fate::Drop, None));
    assert_eq!(server.receive_bytes(b"more"), [Seen::Failed(error)]);
    assert_eq!((server.connection.fate(), server.deadline()), (Fate::Drop, None));
}

#[test]
fn phases_and_fates_follow_the_table_for_both_roles() {
    table(server, Fate::HalfClose);
    table(client, Fate::AwaitPeer);
}

/// What is done to an endpoint, with its name.
type Action<'a, R> = (&'a str, &'a dyn Fn(&mut Endpoint<R>));

fn table<R: Role>(make: impl Fn() -> Endpoint<R>, over: Fate) {
    let close = |endpoint: &mut Endpoint<R>| {
        let _ = endpoint.send(|tx| tx.close(None));
    };
    let their_close = |endpoint: &mut Endpoint<R>| drop(endpoint.receive(&[Frame::close("")]));
    let failure = |endpoint: &mut Endpoint<R>| drop(endpoint.receive_bytes(b"\xff\xff"));
    let end = |endpoint: &mut Endpoint<R>| endpoint.connection.handle_end();
    let open = |_: &mut Endpoint<R>| {};
    let rows: [(Action<'_, R>, Phase, Fate, [Phase; 4]); 4] = [
        (
            ("open", &open),
            Phase::Open,
            Fate::KeepOpen,
            [Phase::Closing, Phase::Over, Phase::Over, Phase::Ended],
        ),
        (
            ("closing", &close),
            Phase::Closing,
            Fate::KeepOpen,
            [Phase::Closing, Phase::Over, Phase::Over, Phase::Ended],
        ),
        (
            ("over", &their_close),
            Phase::Over,
            over,
            [Phase::Over, Phase::Over, Phase::Over, Phase::Ended],
        ),
        (("ended", &end), Phase::Ended, Fate::Drop, [Phase::Ended; 4]),
    ];
    let actions: [Action<'_, R>; 4] = [
        ("our close", &close),
        ("their close", &their_close),
        ("failure", &failure),
        ("end", &end),
    ];
    for ((name, prepare), phase, fate, nexts) in rows {
        for ((action, act), next) in actions.iter().zip(nexts) {
            let mut endpoint = make();
            prepare(&mut endpoint);
            assert_eq!(
                (endpoint.connection.phase(), endpoint.connection.fate()),
                (phase, fate),
                "{name}"
            );
            act(&mut endpoint);
            assert_eq!(endpoint.connection.phase(), next, "{name}, then {action}");
        }
    }
}

#[test]
fn a_close_cut_at_every_byte_is_the_same_close() {
    let bytes = stream(&[Frame::close_with(1000, "gut")], server().peer());
    for cut in 0..bytes.len() {
        let mut server = server();
        assert_eq!(server.receive_bytes(&bytes[..cut]), [], "cut at {cut}");
        assert_eq!(server.connection.phase(), Phase::Open, "cut at {cut}");
        let seen = server.receive_bytes(&bytes[cut..]);
        assert_eq!(
            seen,
            [Seen::Close(Some((1000.into(), "gut".into())))],
            "cut at {cut}"
        );
    }
}
