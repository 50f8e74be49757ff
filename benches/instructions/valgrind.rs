use std::env;
use std::error::Error;
use std::process::{Child, Command, Stdio};

use crate::cases::Case;

/// So many that what one message takes comes out in whole instructions, whatever an allocator does now and then.
const ROUNDS: u64 = 100;

/// glibc copies what is long with `rep movsb` where the processor likes that, and valgrind takes each byte of it for an
/// instruction: a copy would count four times as much as checking the text, and hide all else. So never.
const TUNABLES: &str = "glibc.cpu.x86_rep_movsb_threshold=1000000000";

/// How many instructions the case takes for one message.
pub(crate) fn instructions(case: &Case) -> Result<u64, Box<dyn Error>> {
    // Side by side.
    let (once, twice) = (start(case, ROUNDS)?, start(case, 2 * ROUNDS)?);
    let taken = count(twice)?
        .checked_sub(count(once)?)
        .ok_or("twice the rounds took fewer instructions")?;
    Ok((taken + ROUNDS / 2) / ROUNDS)
}

/// Starts a process that performs the case.
fn start(case: &Case, rounds: u64) -> Result<Child, Box<dyn Error>> {
    let valgrind = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["perform", &case.to_string(), &rounds.to_string()])
        .env("GLIBC_TUNABLES", TUNABLES)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("valgrind: {error}"))?;
    Ok(valgrind)
}

/// How many instructions the process takes.
fn count(valgrind: Child) -> Result<u64, Box<dyn Error>> {
    let output = valgrind.wait_with_output()?;
    let report = String::from_utf8_lossy(&output.stderr);
    let count = report
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .filter(|_| output.status.success())
        .ok_or_else(|| format!("valgrind has no count: {report}"))?
        .1;
    Ok(count.trim().parse()?)
}

/// What compiled and what counts, each with its version.
pub(crate) fn tools() -> Result<String, Box<dyn Error>> {
    Ok(format!("{}, {}", version("rustc")?, version("valgrind")?))
}

fn version(tool: &str) -> Result<String, Box<dyn Error>> {
    let output = Command::new(tool)
        .arg("--version")
        .output()
        .map_err(|error| format!("{tool}: {error}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
