use std::thread;

use tidewire_blocking::{Error, Message, WebSocket, connect};

use crate::support::{PATIENCE, bounded, echo, in_background, serve};

#[test]
fn the_halves_work_in_two_threads_at_once() {
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let (sender, receiver) = connect(url).open().expect("the server accepts").split();
        let sending = in_background(move || {
            for number in 0..2000 {
                sender.send(format!("{number}"))?;
            }
            sender.close(1000, "").map_err(Error::from)
        });
        let messages: Result<Vec<Message>, Error> = receiver.collect();
        sending
            .recv_timeout(PATIENCE)
            .expect("the sender ends")
            .expect("all is sent");
        // Closing gives up what the other end has not sent back yet; what came is in order.
        for (number, message) in messages.expect("a clean end").into_iter().enumerate() {
            assert_eq!(message.as_text(), Some(number.to_string().as_str()));
        }
    });
}

#[test]
fn messages_of_several_threads_stay_whole_and_each_thread_in_order() {
    const THREADS: usize = 4;
    const MESSAGES: usize = 500;
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let (sender, mut receiver) = connect(url).open().expect("the server accepts").split();
        for thread in 0..THREADS {
            let sender = sender.clone();
            thread::spawn(move || {
                for number in 0..MESSAGES {
                    // Of different lengths, so that a mixture would be seen.
                    let text = format!("{thread} {number} {}", "x".repeat(number * 7 % 3000));
                    sender.send(text).expect("the server reads");
                }
            });
        }
        let mut next = [0; THREADS];
        for _ in 0..THREADS * MESSAGES {
            let message = receiver.recv().expect("it goes on").expect("it goes on");
            let text = message.as_text().expect("text");
            let mut words = text.split(' ');
            let mut number = || words.next().and_then(|word| word.parse::<usize>().ok());
            let (thread, number) = (number().expect("a thread"), number().expect("a number"));
            assert_eq!(number, next[thread], "of thread {thread}");
            assert_eq!(
                text,
                format!("{thread} {number} {}", "x".repeat(number * 7 % 3000))
            );
            next[thread] += 1;
        }
    });
}

#[test]
fn a_ping_is_answered_while_another_thread_receives() {
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let (sender, mut receiver) = connect(url).open().expect("the server accepts").split();
        let receiving = in_background(move || receiver.recv());
        sender.ping().expect("the server answers");
        sender.send("enough").expect("the server reads");
        let last = receiving.recv_timeout(PATIENCE).expect("it receives");
        assert_eq!(last.expect("it goes on"), Some("enough".into()));
    });
}

#[test]
fn a_close_from_another_thread_ends_the_wait_for_a_message() {
    let server = serve(echo);
    let url = server.url();
    bounded(move || {
        let (sender, mut receiver) = connect(url).open().expect("the server accepts").split();
        let receiving = in_background(move || receiver.recv());
        sender.close(1000, "").expect("a code that may be sent");
        let last = receiving.recv_timeout(PATIENCE).expect("it ends");
        assert_eq!(last.expect("a clean end"), None);
    });
}

#[test]
fn dropping_all_halves_closes_the_connection() {
    let (tell, told) = std::sync::mpsc::channel();
    let server = serve(move |mut ws: WebSocket| {
        let last = ws.recv();
        let _ = tell.send((last, ws.closed()));
        Ok(())
    });
    for split in [false, true] {
        let url = server.url();
        bounded(move || {
            let ws = connect(url).open().expect("the server accepts");
            if split {
                let (sender, receiver) = ws.split();
                let clone = sender.clone();
                drop(sender);
                drop(receiver);
                drop(clone);
            }
        });
        let (last, closed) = told.recv_timeout(PATIENCE).expect("the server sees the end");
        assert_eq!(last.expect("a clean end"), None);
        assert_eq!(closed.map(|closed| closed.code().as_u16()), Some(1000));
    }
}
