//! Loads echo servers and measures what each costs.

fn main() {}
