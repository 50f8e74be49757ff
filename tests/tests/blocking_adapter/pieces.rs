use std::io::Write as _;
use std::iter;

use tidewire_blocking::{CloseCode, Error, Kind, Message, WebSocket, connect};

use crate::support::{
    PATIENCE, bounded, echo, in_background, listener, raw_client, raw_server, read_exact, serve,
};

#[test]
fn a_message_leaves_in_pieces_without_an_empty_frame_where_the_last_is_known() {
    let server = serve(|ws: WebSocket| {
        let mut writer = ws.send_pieces(Kind::Text)?;
        writer.write("a")?;
        assert!(writer.write(vec![1]).is_err(), "of the other type");
        writer.write("b")?;
        writer.finish_with("c")?;
        let mut writer = ws.send_pieces(Kind::Binary)?;
        writer.write(vec![1])?;
        writer.finish()?;
        ws.wait_closed();
        Ok(())
    });
    let mut stream = raw_client(server.address);
    let bytes = read_exact::<14>(&mut stream);
    assert_eq!(&bytes, b"\x01\x01a\x00\x01b\x80\x01c\x02\x01\x01\x80\x00");
}

#[test]
fn an_iterator_of_pieces_is_one_message() {
    let server = serve(|ws: WebSocket| {
        ws.send_iter(["known ", "last"])?;
        // An iterator that does not know how much is left.
        let mut once = Some("x");
        ws.send_iter(iter::from_fn(|| once.take()))?;
        ws.send_iter(Vec::<Vec<u8>>::new())?;
        ws.send("next")
    });
    let mut stream = raw_client(server.address);
    let bytes = read_exact::<25>(&mut stream);
    assert_eq!(&bytes, b"\x01\x06known \x80\x04last\x01\x01x\x80\x00\x81\x04next");
}

#[test]
fn other_senders_wait_for_the_end_of_a_message_in_pieces() {
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let (sender, mut receiver) = connect(url).open().expect("the server accepts").split();
        let mut writer = sender.send_pieces(Kind::Text).expect("it is open");
        writer.write("one ").expect("the server reads");
        assert!(sender.try_send("between").is_err());
        let other = sender.clone();
        let waiting = in_background(move || other.send("behind"));
        writer.write("two ").expect("the server reads");
        writer.finish_with("three").expect("the server reads");
        waiting
            .recv_timeout(PATIENCE)
            .expect("it may send now")
            .expect("the server reads");
        assert_eq!(receiver.recv().expect("it goes on"), Some("one two three".into()));
        assert_eq!(receiver.recv().expect("it goes on"), Some("behind".into()));
    });
}

#[test]
fn a_writer_dropped_before_its_end_closes_with_1011() {
    let server = serve(|mut ws: WebSocket| {
        ws.send_pieces(Kind::Text)?.write("half")?;
        let end = ws.recv();
        assert!(end.is_err(), "{end:?}");
        Ok(())
    });
    let url = server.url();
    bounded(move || {
        let mut ws = connect(url).open().expect("the server accepts");
        let Err(Error::Closed(closed)) = ws.recv() else {
            panic!("half a message was given");
        };
        assert_eq!(closed.code(), CloseCode::INTERNAL_ERROR);
    });
}

#[test]
fn a_message_arrives_in_pieces_cut_on_character_boundaries() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let (go, wait) = std::sync::mpsc::channel();
    let client = in_background(move || {
        let mut ws = connect(format!("ws://{address}/"))
            .open()
            .expect("the server accepts");
        let mut pieces = ws.recv_pieces().expect("it goes on").expect("a message");
        assert_eq!(pieces.kind(), Kind::Text);
        let first = pieces.next();
        let _ = go.send(());
        let mut all = vec![first.expect("a piece").expect("a piece")];
        all.extend(pieces.map(|piece| piece.expect("a piece")));
        (all, ws.recv())
    });
    let mut stream = raw_server(&server);
    // "né", cut inside the second character.
    stream.write_all(b"\x01\x02n\xc3").expect("the client reads");
    wait.recv_timeout(PATIENCE)
        .expect("a piece arrives before the end");
    stream
        .write_all(b"\x80\x02\xa9!\x81\x04next")
        .expect("the client reads");
    let (pieces, next) = client.recv_timeout(PATIENCE).expect("the client goes on");
    assert_eq!(pieces.first(), Some(&Message::from("n")));
    let text: String = pieces.iter().filter_map(Message::as_text).collect();
    assert_eq!(text, "né!");
    assert_eq!(next.expect("a message"), Some("next".into()));
}

#[test]
fn giving_up_half_way_leaves_the_connection_usable() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let (go, wait) = std::sync::mpsc::channel();
    let client = in_background(move || {
        let mut ws = connect(format!("ws://{address}/"))
            .open()
            .expect("the server accepts");
        let pieces = ws.recv_pieces().expect("it goes on").expect("a message");
        drop(pieces);
        let _ = go.send(());
        ws.recv()
    });
    let mut stream = raw_server(&server);
    stream.write_all(b"\x02\x03abc").expect("the client reads");
    wait.recv_timeout(PATIENCE)
        .expect("a piece arrives before the end");
    stream
        .write_all(b"\x00\x03def\x80\x03ghi\x81\x04next")
        .expect("the client reads");
    let next = client.recv_timeout(PATIENCE).expect("the client goes on");
    assert_eq!(next.expect("a message"), Some("next".into()));
}

#[test]
fn behind_pieces_given_up_half_way_come_the_pieces_of_the_next_message() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let (go, wait) = std::sync::mpsc::channel();
    let client = in_background(move || {
        let mut ws = connect(format!("ws://{address}/"))
            .open()
            .expect("the server accepts");
        drop(ws.recv_pieces().expect("it goes on").expect("a message"));
        let _ = go.send(());
        // The rest of the first is skipped whenever it comes.
        let mut pieces = ws.recv_pieces().expect("it goes on").expect("a message");
        (pieces.kind(), pieces.next())
    });
    let mut stream = raw_server(&server);
    stream.write_all(b"\x01\x03abc").expect("the client reads");
    wait.recv_timeout(PATIENCE)
        .expect("a piece arrives before the end");
    stream
        .write_all(b"\x00\x03def\x80\x03ghi\x02\x04next")
        .expect("the client reads");
    let (kind, piece) = client.recv_timeout(PATIENCE).expect("the client goes on");
    assert_eq!(kind, Kind::Binary);
    assert_eq!(
        piece.expect("a piece").expect("a piece"),
        Message::from(b"next".to_vec())
    );
}

#[test]
fn an_end_in_the_middle_of_a_message_in_pieces_is_an_error() {
    let server = listener();
    let address = server.local_addr().expect("an address");
    let client = in_background(move || {
        let mut ws = connect(format!("ws://{address}/"))
            .open()
            .expect("the server accepts");
        let pieces = ws.recv_pieces().expect("it goes on").expect("a message");
        pieces.map(|piece| piece.is_ok()).collect::<Vec<_>>()
    });
    let mut stream = raw_server(&server);
    stream
        .write_all(b"\x02\x03abc\x88\x02\x03\xe8")
        .expect("the client reads");
    drop(stream);
    let pieces = client.recv_timeout(PATIENCE).expect("the client ends");
    assert_eq!(pieces, [true, false]);
}
