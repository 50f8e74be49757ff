//! Chromium without a window, told what to do over its `DevTools` protocol, which is JSON over a WebSocket of ours.
//!
//! Every wait is bounded, and whatever goes wrong is an error of the call that wanted something.

mod page;
mod process;
mod tools;

pub use page::Page;

use std::error::Error;

use serde_json::json;

use process::Process;
use tools::Tools;

/// What goes wrong with a browser.
pub type BrowserResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A browser with a profile of its own; killed when it is dropped.
#[derive(Debug)]
pub struct Browser {
    tools: Tools,
    /// Where each page is told what to do, but for its name.
    pages: String,
    _process: Process,
}

impl Browser {
    /// Starts Chromium; `None`, which is printed, where it is not installed.
    ///
    /// # Errors
    /// Where it does not start, or does not say within half a minute where it can be told what to do.
    pub fn start() -> BrowserResult<Option<Self>> {
        let Some(process) = Process::start()? else {
            return Ok(None);
        };
        let url = process.url()?;
        let (server, _) = url.split_once("/devtools/").ok_or("another path")?;
        Ok(Some(Self {
            tools: Tools::reach(&url)?,
            pages: format!("{server}/devtools/page/"),
            _process: process,
        }))
    }

    /// Opens a page in a tab of its own, and waits until it is loaded.
    ///
    /// # Errors
    /// Where the browser cannot, or does not within half a minute.
    pub fn open(&mut self, url: &str) -> BrowserResult<Page> {
        // With its address at once, it would be loading before it can be watched.
        let tab = self
            .tools
            .call("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let id = tab["targetId"].as_str().ok_or("a tab without a name")?;
        Page::load(Tools::reach(&format!("{}{id}", self.pages))?, url)
    }
}
