//! Crowds of hundreds, by the program that has them of ten thousand: counts and deadlines, and no latencies, since other
//! tests run at the same time.

use std::process::Command;

/// Has the program judge a server of either adapter, and shows what it says where it finds a promise broken.
fn judged(arguments: &str) {
    for adapter in ["tokio", "threads"] {
        let said = Command::new(env!("CARGO_BIN_EXE_crowd"))
            .args(arguments.split(' '))
            .args(["--adapter", adapter])
            .output()
            .expect("the program starts");
        assert!(
            said.status.success(),
            "{arguments} --adapter {adapter}\n{}{}",
            String::from_utf8_lossy(&said.stderr),
            String::from_utf8_lossy(&said.stdout)
        );
    }
}

#[test]
fn a_shutdown_is_over_at_its_deadline_whoever_is_dead() {
    judged("shutdown --connections 500 --deadline 2");
}

#[test]
fn silent_clients_are_dropped_while_others_are_served() {
    judged("silent --connections 500 --open-timeout 3 --over 1 --slack 60");
}

#[test]
fn a_server_out_of_descriptors_serves_whom_it_has_and_then_others() {
    judged("descriptors --connections 100");
}
