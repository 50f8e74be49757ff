//! The WebSocket protocol (RFC 6455) as a pure state machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod handshake;
mod time;

pub use time::Instant;
