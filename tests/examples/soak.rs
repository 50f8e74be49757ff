//! Carries very many compressed messages, and compares every byte: see `tidewire_tests::soak`.

use std::process::ExitCode;
use std::time::Instant;

use tidewire_tests::python::Zlib;
use tidewire_tests::soak::{self, Settings, Totals};

const HELP: &str = "\
Carries random messages with permessage-deflate between a client and a server of tidewire, with every setting, with
hibernation and splits at random, and compares every byte.

cargo run --release -p tidewire-tests --example soak -- [--messages N] [--seed N] [--python PROGRAM]

  --messages N       how many messages (1000000)
  --seed N           determines everything (1)
  --python PROGRAM   against the zlib of this Python, instead of between our own two";

fn main() -> ExitCode {
    let mut settings = Settings {
        messages: 1_000_000,
        seed: 1,
    };
    let mut python = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = |target: &mut u64| {
            let value = arguments.next().and_then(|value| value.parse().ok());
            value.map(|value| *target = value).is_some()
        };
        let understood = match argument.as_str() {
            "--help" | "-h" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            "--messages" => number(&mut settings.messages),
            "--seed" => number(&mut settings.seed),
            "--python" => {
                python = arguments.next();
                python.is_some()
            }
            _ => false,
        };
        if !understood {
            eprintln!("{argument}: not understood\n\n{HELP}");
            return ExitCode::from(2);
        }
    }
    let start = Instant::now();
    let step = (settings.messages / 20).max(1);
    let progress = |totals: &Totals| {
        if totals.messages.is_multiple_of(step) {
            println!("{:6.1} s  {totals}", start.elapsed().as_secs_f64());
        }
    };
    let (peer, totals) = match python {
        None => ("our own two", Ok(soak::pair(settings, progress))),
        Some(python) => (
            "tidewire and Python's zlib",
            Zlib::start(&python).and_then(|mut zlib| soak::python(settings, &mut zlib, progress)),
        ),
    };
    match totals {
        Ok(totals) => {
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "done: {peer}, seed {}: {totals}, all as sent, in {seconds:.1} s",
                settings.seed
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
