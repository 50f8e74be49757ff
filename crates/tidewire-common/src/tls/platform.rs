use std::sync::{Mutex, OnceLock, PoisonError};

use super::client::ClientTls;
use super::error::TlsError;

static AT_HAND: OnceLock<ClientTls> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

/// The trust of the system, one for the process, for URLs to which nothing else was set: their connections share the
/// sessions that they may resume.
#[derive(Debug)]
pub struct PlatformTls;

impl PlatformTls {
    /// Gives it, if it was [loaded](Self::load) before.
    pub fn at_hand() -> Option<&'static ClientTls> {
        AT_HAND.get()
    }

    /// Gives it, and loads it where that was not done yet: then it blocks while files are read.
    ///
    /// # Errors
    /// As for [`ClientTls::platform`]; the next call tries again.
    pub fn load() -> Result<&'static ClientTls, TlsError> {
        if let Some(tls) = Self::at_hand() {
            return Ok(tls);
        }
        let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        match Self::at_hand() {
            Some(tls) => Ok(tls),
            None => {
                let tls = ClientTls::platform()?;
                Ok(AT_HAND.get_or_init(|| tls))
            }
        }
    }
}
