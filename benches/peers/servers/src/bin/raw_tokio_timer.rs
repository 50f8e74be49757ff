//! Echoes bytes on tokio while a timer waits that does not go off: what any deadline costs, kept by whichever library.

use std::io;
use std::time::Duration;

use servers::raw::echo;
use servers::{Options, on_tokio};

fn main() -> io::Result<()> {
    Options::read(&[]);
    on_tokio::run(async {
        tokio::spawn(tokio::time::sleep(Duration::from_hours(24)));
        on_tokio::accept_each(on_tokio::listen().await?, echo).await
    })
}
