use serde_json::{Value, json};

use crate::BrowserResult;
use crate::tools::{PATIENCE, Tools};

/// A page that is open.
#[derive(Debug)]
pub struct Page(Tools);

impl Page {
    pub(crate) fn load(mut tools: Tools, url: &str) -> BrowserResult<Self> {
        tools.call("Page.enable", &json!({}))?;
        let loading = tools.call("Page.navigate", &json!({ "url": url }))?;
        if let Some(error) = loading["errorText"].as_str() {
            return Err(format!("{url}: {error}").into());
        }
        tools.wait_for("Page.loadEventFired")?;
        Ok(Self(tools))
    }

    /// Waits until an expression of JavaScript is true of the page.
    ///
    /// # Errors
    /// Where it throws, or is not true within 15 seconds; says what the page shows then.
    pub fn until(&mut self, condition: &str) -> BrowserResult<()> {
        let milliseconds = PATIENCE.as_millis() / 2;
        let shown = self.evaluate(&format!(
            "new Promise((resolve) => {{
                const look = () => ({condition}) && resolve(null);
                const everything = {{ subtree: true, childList: true, characterData: true, attributes: true }};
                new MutationObserver(look).observe(document, everything);
                setTimeout(() => resolve(document.body.innerText), {milliseconds});
                look();
            }})"
        ))?;
        match shown.as_str() {
            None => Ok(()),
            Some(shown) => Err(format!("{condition} is not so: {shown:?}").into()),
        }
    }

    /// Clicks on the element that a selector finds.
    ///
    /// # Errors
    /// Where there is none.
    pub fn click(&mut self, selector: &str) -> BrowserResult<()> {
        self.evaluate(&format!("document.querySelector({}).click()", json!(selector)))?;
        Ok(())
    }

    /// Types a text into the element that a selector finds, and Enter.
    ///
    /// # Errors
    /// Where there is none.
    pub fn type_line(&mut self, selector: &str, text: &str) -> BrowserResult<()> {
        // What has `autofocus` gets it some time after the page is loaded.
        self.evaluate(&format!("document.querySelector({}).focus()", json!(selector)))?;
        self.0.call("Input.insertText", &json!({ "text": text }))?;
        for kind in ["keyDown", "keyUp"] {
            let key = json!({
                "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r",
            });
            self.0.call("Input.dispatchKeyEvent", &key)?;
        }
        Ok(())
    }

    /// The value of an expression of JavaScript, waited for where it is a promise.
    ///
    /// # Errors
    /// What it throws.
    pub fn evaluate(&mut self, expression: &str) -> BrowserResult<Value> {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.0.call("Runtime.evaluate", &asked)?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(format!("{expression} throws {thrown}").into()),
            None => Ok(answer["result"]["value"].take()),
        }
    }
}
