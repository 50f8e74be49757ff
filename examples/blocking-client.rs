//! A client on plain threads that sends and receives at the same time:
//! `cargo run --example blocking-client -p tidewire-examples -- ws://127.0.0.1:9001`.

use std::env;
use std::error::Error;
use std::thread;

use tidewire::blocking::{Message, connect};

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    // Two halves for two threads: a send that waits for a slow server keeps nobody from receiving.
    let (sender, mut receiver) = connect(url).open()?.split();
    let sending = thread::spawn(move || {
        for number in 1..=3 {
            sender.send(format!("message {number}"))?;
        }
        println!("round trip: {} µs", sender.ping()?.as_micros());
        sender.send(vec![0xca, 0xfe])?;
        Ok::<_, tidewire::blocking::Error>(sender)
    });
    for _ in 0..4 {
        match receiver.recv()?.ok_or("the server closed early")? {
            Message::Text(text) => println!("text: {text}"),
            Message::Binary(bytes) => println!("binary: {} bytes", bytes.len()),
        }
    }
    // A close waits for the end of the connection, so it is known how that went.
    let sender = sending.join().map_err(|_| "the sending thread panicked")??;
    sender.close(1000, "done")?;
    println!("closed with {}", sender.wait_closed().code());
    Ok(())
}
