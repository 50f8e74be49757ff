//! The `tidewire` command.
#![forbid(unsafe_code)]

mod arguments;
mod client_tls;
mod connect;
mod deflate;
mod failure;
mod health;
mod log;
mod page;
mod proxy_protocol;
mod serve;
mod shown;
mod stop;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::start();
    let done = match arguments.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Connect(arguments) => connect::run(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
