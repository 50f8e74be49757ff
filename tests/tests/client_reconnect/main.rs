//! Clients that connect again and again, in time that is moved.

mod blocking;
mod events;
mod tokio;
