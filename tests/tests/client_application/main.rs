//! Clients made of callbacks.

mod blocking;
mod tokio;
mod trace;
