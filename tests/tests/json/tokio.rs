//! On tokio.

use std::collections::HashMap;
use std::time::Duration;

use tidewire_tests::live::bounded;
use tidewire_tokio::test;
use tidewire_tokio::{Error, JsonFault, Message, SendError};
use tokio::time::timeout;

#[tokio::test(start_paused = true)]
async fn a_value_arrives_as_it_was_sent() {
    bounded(async {
        let (server, mut client) = test::pair().await;
        let sent = HashMap::from([("a".to_owned(), vec![1, 2]), ("b".to_owned(), vec![])]);
        server.send_json(&sent).await.expect("it is open");
        let received = client.recv_json::<HashMap<String, Vec<u32>>>().await;
        assert_eq!(received.expect("JSON"), Some(sent));
        server.send_json("text").await.expect("it is open");
        assert_eq!(
            client.recv().await.expect("it is open"),
            Some(Message::from("\"text\""))
        );
        server.send(b"[1]").await.expect("it is open");
        assert_eq!(client.recv_json().await.expect("JSON in bytes"), Some([1]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_no_json_is_an_error_and_the_connection_goes_on() {
    bounded(async {
        let (server, mut client) = test::pair().await;
        for (text, fault, column) in [
            ("[secret]", JsonFault::Syntax, 2),
            ("[1", JsonFault::End, 2),
            ("\"secret\"", JsonFault::Shape, 8),
        ] {
            server.send(text).await.expect("it is open");
            let error = client.recv_json::<Vec<u32>>().await.expect_err("no numbers");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
            let Error::Json(error) = error else {
                panic!("{error}");
            };
            assert_eq!((error.fault(), error.line(), error.column()), (fault, 1, column));
        }
        server.send_json(&[1, 2]).await.expect("it is open");
        assert_eq!(client.recv_json().await.expect("JSON"), Some(vec![1, 2]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_value_that_cannot_be_written_is_an_error_and_nothing_is_sent() {
    bounded(async {
        let (server, mut client) = test::pair().await;
        let error = server.send_json(&HashMap::from([((1, 2), 3)])).await;
        assert!(
            matches!(&error, Err(Error::Json(error)) if error.fault() == JsonFault::Unwritable),
            "{error:?}"
        );
        server.send_json(&()).await.expect("it is open");
        assert_eq!(client.recv_json().await.expect("JSON"), Some(()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn receiving_may_be_given_up_and_the_end_is_that_of_all_messages() {
    bounded(async {
        let (server, mut client) = test::pair().await;
        let received = timeout(Duration::from_secs(1), client.recv_json::<u32>()).await;
        assert!(received.is_err(), "{received:?}");
        server.send_json(&7).await.expect("it is open");
        assert_eq!(client.recv_json().await.expect("JSON"), Some(7));
        let (sending, mut receiving) = client.split();
        sending.send_json(&8).await.expect("it is open");
        let closing = tokio::spawn(async move { server.close(1000, "").await });
        assert_eq!(receiving.recv_json::<u32>().await.expect("a clean end"), None);
        closing.await.expect("no panic").expect("may be sent");
        let error = sending.send_json(&9).await;
        assert!(matches!(error, Err(Error::Send(SendError::Closed))), "{error:?}");
    })
    .await;
}
