//! Values as JSON.

use tidewire::blocking::{Message, connect};

use crate::support::{Example, TestResult};

#[test]
fn the_calculator_answers_in_json_whatever_it_is_sent() -> TestResult {
    let mut server = Example::start("tokio-json", &["127.0.0.1:0"])?;
    let mut ws = connect(server.url()?).open()?;
    for (question, answer) in [
        (r#"{"add": [1, 2, 3]}"#, r#"{"is":6}"#),
        ("{add}", r#"{"error":"message is no JSON, line 1 column 2"}"#),
        (
            r#"{"negate": "one"}"#,
            r#"{"error":"message is JSON of another shape than wanted, line 1 column 16"}"#,
        ),
        (r#"{"add": [9223372036854775807, 1]}"#, r#"{"error":"too large"}"#),
        (r#"{"negate": -7}"#, r#"{"is":7}"#),
    ] {
        ws.send(question)?;
        assert_eq!(ws.recv()?, Some(Message::from(answer)), "{question}");
    }
    ws.close(1000, "")?;
    Ok(())
}
