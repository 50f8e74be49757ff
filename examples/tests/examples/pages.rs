//! Pages that an example serves, in a browser.
//!
//! Where Chromium is not installed, each test says so and goes without it.

use tidewire_browser::{Browser, BrowserResult, Page};

use crate::support::{Example, TestResult};

#[test]
fn the_clock_of_each_page_moves() -> TestResult {
    let mut server = Example::start("tokio-clock", &["127.0.0.1:0"])?;
    let url = page_of(&server.url()?);
    let Some(mut browser) = Browser::start()? else {
        return Ok(());
    };
    let mut pages = [browser.open(&url)?, browser.open(&url)?];
    for page in &mut pages {
        page.until("clock.dateTime !== ''")?;
        let first = page.evaluate("clock.dateTime")?;
        page.until(&format!("clock.dateTime > {first}"))?;
    }
    drop(server);
    for page in &mut pages {
        page.until("clock.textContent === 'The server has gone.'")?;
    }
    Ok(())
}

#[test]
fn all_pages_show_the_same_number_and_how_many_they_are() -> TestResult {
    for name in ["tokio-counter", "blocking-counter"] {
        let mut server = Example::start(name, &["127.0.0.1:0"])?;
        let url = page_of(&server.url()?);
        let Some(mut browser) = Browser::start()? else {
            return Ok(());
        };
        let mut first = browser.open(&url)?;
        shows(&mut first, 0, 1)?;
        let mut second = browser.open(&url)?;
        for page in [&mut first, &mut second] {
            shows(page, 0, 2)?;
        }
        for (button, number) in [("#plus", 1), ("#plus", 2), ("#minus", 1)] {
            first.click(button)?;
            for page in [&mut first, &mut second] {
                shows(page, number, 2)?;
            }
        }
        second.evaluate("location = 'about:blank'")?;
        shows(&mut first, 1, 1)?;
        second.evaluate("history.back()")?;
        shows(&mut first, 1, 2)?;
    }
    Ok(())
}

#[test]
fn the_page_with_the_cookie_is_greeted() -> TestResult {
    let mut server = Example::start("tokio-auth-cookie", &["127.0.0.1:0"])?;
    let url = page_of(&server.url()?);
    let Some(mut browser) = Browser::start()? else {
        return Ok(());
    };
    browser
        .open(&url)?
        .until("greeting.textContent === 'Hello, Ada!'")?;
    Ok(())
}

fn page_of(url: &str) -> String {
    url.replace("ws://", "http://")
}

fn shows(page: &mut Page, number: i64, users: usize) -> BrowserResult<()> {
    page.until(&format!(
        "number.textContent === '{number}' && users.textContent === '{users}'"
    ))
}
