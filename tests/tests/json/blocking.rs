//! On threads.

use std::collections::HashMap;
use std::thread;

use tidewire_blocking::test;
use tidewire_blocking::{Error, JsonFault, Message, SendError};
use tidewire_tests::live::bounded_now;

#[test]
fn a_value_arrives_as_it_was_sent() {
    bounded_now(|| {
        let (server, mut client) = test::pair();
        let sent = HashMap::from([("a".to_owned(), vec![1, 2]), ("b".to_owned(), vec![])]);
        server.send_json(&sent).expect("it is open");
        let received = client.recv_json::<HashMap<String, Vec<u32>>>();
        assert_eq!(received.expect("JSON"), Some(sent));
        server.send_json("text").expect("it is open");
        assert_eq!(
            client.recv().expect("it is open"),
            Some(Message::from("\"text\""))
        );
        server.send(b"[1]").expect("it is open");
        assert_eq!(client.recv_json().expect("JSON in bytes"), Some([1]));
    });
}

#[test]
fn a_message_that_is_no_json_is_an_error_and_the_connection_goes_on() {
    bounded_now(|| {
        let (server, mut client) = test::pair();
        for (text, fault, column) in [
            ("[secret]", JsonFault::Syntax, 2),
            ("[1", JsonFault::End, 2),
            ("\"secret\"", JsonFault::Shape, 8),
        ] {
            server.send(text).expect("it is open");
            let error = client.recv_json::<Vec<u32>>().expect_err("no numbers");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
            let Error::Json(error) = error else {
                panic!("{error}");
            };
            assert_eq!((error.fault(), error.line(), error.column()), (fault, 1, column));
        }
        server.send_json(&[1, 2]).expect("it is open");
        assert_eq!(client.recv_json().expect("JSON"), Some(vec![1, 2]));
    });
}

#[test]
fn a_value_that_cannot_be_written_is_an_error_and_nothing_is_sent() {
    bounded_now(|| {
        let (server, mut client) = test::pair();
        let error = server.send_json(&HashMap::from([((1, 2), 3)]));
        assert!(
            matches!(&error, Err(Error::Json(error)) if error.fault() == JsonFault::Unwritable),
            "{error:?}"
        );
        server.send_json(&()).expect("it is open");
        assert_eq!(client.recv_json().expect("JSON"), Some(()));
    });
}

#[test]
fn the_end_is_that_of_all_messages() {
    bounded_now(|| {
        let (server, mut client) = test::pair();
        server.send_json(&7).expect("it is open");
        assert_eq!(client.recv_json().expect("JSON"), Some(7));
        let (sending, mut receiving) = client.split();
        sending.send_json(&8).expect("it is open");
        let closing = thread::spawn(move || server.close(1000, ""));
        assert_eq!(receiving.recv_json::<u32>().expect("a clean end"), None);
        closing.join().expect("no panic").expect("may be sent");
        let error = sending.send_json(&9);
        assert!(matches!(error, Err(Error::Send(SendError::Closed))), "{error:?}");
    });
}
