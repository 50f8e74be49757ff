//! What a server in a process of its own holds and does.

use std::error::Error;
use std::fs;
use std::time::Duration;

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

/// The time that the processor has spent on a process, to a hundredth of a second.
///
/// # Errors
/// Where there is no such process, or no such kernel.
pub fn processor_time(process: u32) -> Result<Duration, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // Behind the name, which may have spaces: utime and stime are the fields 14 and 15 of proc(5), in hundredths.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
    let times = fields.split_whitespace().skip(11).take(2);
    let hundredths = times.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(hundredths * 10))
}
