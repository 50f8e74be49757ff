//! The load and the server each have a core: neither takes time of the other.

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_setaffinity};

const SERVER: usize = 0;
const LOAD: usize = 1;

/// Keeps the load on its core.
pub(crate) fn pin_load() -> Result<()> {
    pin(LOAD)
}

/// Starts something on the server's core: a process inherits the core of the thread that starts it.
pub(crate) fn with_server_core<T>(start: impl FnOnce() -> T) -> Result<T> {
    pin(SERVER)?;
    let started = start();
    pin(LOAD)?;
    Ok(started)
}

fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("core {core} is needed, and cannot be had"))
}
