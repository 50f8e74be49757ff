//! What a server in a process of its own holds.

use std::error::Error;
use std::fs;

/// The resident bytes of a process.
///
/// The kernel adds them up on the spot: those in `status` are kept by core and lag behind by up to 256 KiB.
///
/// # Errors
/// Where there is no such process, or no such kernel.
pub fn resident(process: u32) -> Result<i64, Box<dyn Error>> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let resident = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Rss:")?.strip_suffix("kB"))
        .ok_or("Rss is not in smaps_rollup")?;
    Ok(resident.trim().parse::<i64>()? * 1024)
}
