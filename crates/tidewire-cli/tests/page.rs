//! The page that `tidewire serve` gives browsers, in a browser.
//!
//! Where Chromium is not installed, the test says so and goes without it.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tidewire_browser::Browser;

type TestResult<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The command, serving; killed when it is dropped.
struct Server(Child);

impl Server {
    /// Starts it, and reads where its page is.
    fn start(runtime: &str) -> TestResult<(Self, String)> {
        let child = Command::new(env!("CARGO_BIN_EXE_tidewire"))
            .args(["serve", "--listen", "127.0.0.1:0", "--runtime", runtime])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut server = Self(child);
        let mut line = String::new();
        let stdout = server.0.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line
            .trim_end()
            .strip_prefix("listening on ws")
            .ok_or("another line")?;
        Ok((server, format!("http{url}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_text_that_is_typed_is_echoed() -> TestResult {
    let Some(mut browser) = Browser::start()? else {
        return Ok(());
    };
    for runtime in ["tokio", "blocking"] {
        let (server, url) = Server::start(runtime)?;
        let mut page = browser.open(&url)?;
        page.until("state.textContent === 'connected'")?;
        page.type_line("#text", "é漢🦀 <b>")?;
        page.until("log.querySelector('.received')?.innerText.includes('é漢🦀 <b>')")?;
        page.click("#toggle")?;
        page.until("state.textContent === 'closed'")?;
        page.until("log.lastChild.innerText === 'closed with 1000'")?;
        // Connects again, and loses the server.
        page.click("#toggle")?;
        page.until("state.textContent === 'connected'")?;
        drop(server);
        page.until("log.lastChild.innerText === 'closed with 1006'")?;
    }
    Ok(())
}
