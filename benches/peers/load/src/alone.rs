use std::env;
use std::fs::{File, TryLockError};

use anyhow::{Context as _, Result};

/// Waits until no other run measures, which would take half of the same two cores; none begins while the file is open.
pub(crate) fn wait() -> Result<File> {
    let path = env::temp_dir().join("tidewire-peers.lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("another run measures; this one waits for it");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(file)
}
