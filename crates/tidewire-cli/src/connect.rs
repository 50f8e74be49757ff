//! `tidewire connect`: lines in, messages out.

use std::convert::Infallible;
use std::future;
use std::io::{self, BufRead as _, Write as _};
use std::thread;

use tidewire::tokio::{Closed, Error, HandshakeError, Message, Receiver, Sender, connect};
use tokio::runtime;
use tokio::sync::mpsc;

use crate::arguments::ConnectArguments;
use crate::client_tls;
use crate::failure::Failure;
use crate::shown::{Escaped, Shown};

/// How many lines are read ahead of what the connection takes.
const LINES: usize = 16;

/// Connects, and ends with the connection.
pub(crate) fn run(arguments: ConnectArguments) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::start("tokio's runtime", error))?;
    let done = runtime.block_on(converse(arguments));
    // A name look-up that hangs runs in a thread that nobody has to wait for.
    runtime.shutdown_background();
    done
}

async fn converse(arguments: ConnectArguments) -> Result<(), Failure> {
    let ConnectArguments {
        url,
        unix,
        compression,
        tls,
    } = arguments;
    let mut connecting = connect(&url);
    if let Some(tls) = client_tls::read(&tls)? {
        connecting = connecting.tls(tls);
    }
    if let Some(deflate) = compression.deflate {
        connecting = connecting.deflate(deflate);
    }
    if let Some(path) = unix {
        connecting = connecting.unix(path);
    }
    let ws = connecting.await.map_err(|error| not_connected(&url, &error))?;
    eprintln!("connected to {}; ^D closes", Escaped(&url));
    let (sender, mut receiver) = ws.split();
    let ended = tokio::select! {
        ended = print(&mut receiver) => ended,
        never = say(&sender) => match never {},
    };
    let closed = match ended {
        // Nobody reads what would be printed: the peer is told good-bye all the same.
        Err(Ended::Output(error)) => {
            // 1000 may always be sent.
            let _ = sender.close(1000, "").await;
            return Err(Failure::End(format!("cannot write to standard output: {error}")));
        }
        Err(Ended::Connection(error)) => return Err(Failure::End(error.to_string())),
        Ok(()) => sender.wait_closed().await,
    };
    eprintln!("{}", farewell(&closed));
    Ok(())
}

/// Why printing ended early.
enum Ended {
    Connection(Error),
    Output(io::Error),
}

/// Prints messages until the connection has ended well.
async fn print(receiver: &mut Receiver) -> Result<(), Ended> {
    while let Some(message) = receiver.recv().await.map_err(Ended::Connection)? {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", Shown(&message))
            .and_then(|()| stdout.flush())
            .map_err(Ended::Output)?;
    }
    Ok(())
}

/// Sends what is typed, and closes at its end; how the connection ends is for the one who receives to tell.
async fn say(sender: &Sender) -> Infallible {
    let mut lines = read_lines();
    while let Some(line) = lines.recv().await {
        if sender.send(line).await.is_err() {
            return future::pending().await;
        }
    }
    // 1000 may always be sent.
    let _ = sender.close(1000, "").await;
    future::pending().await
}

/// Reads standard input in a thread, which may stay in a read that never returns when the connection has ended.
fn read_lines() -> mpsc::Receiver<Message> {
    let (tx, rx) = mpsc::channel(LINES);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match stdin.read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    eprintln!("cannot read standard input: {error}");
                    return;
                }
            }
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match str::from_utf8(line) {
                Ok(line) if tx.blocking_send(line.into()).is_err() => return,
                Ok(_) => {}
                Err(_) => eprintln!("line of {} bytes not sent: text is UTF-8", line.len()),
            }
        }
    });
    rx
}

fn not_connected(url: &str, error: &HandshakeError) -> Failure {
    Failure::start(
        format_args!("cannot connect to {}", Escaped(url)),
        Escaped(&error.to_string()),
    )
}

fn farewell(closed: &Closed) -> String {
    let reason = Escaped(closed.reason());
    let colon = if closed.reason().is_empty() { "" } else { ": " };
    format!("closed with {}{colon}{reason}", closed.code())
}
