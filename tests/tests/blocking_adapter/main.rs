//! The blocking adapter over real sockets on 127.0.0.1. Every wait is bounded.

mod echo;
mod support;
