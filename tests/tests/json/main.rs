//! Values as JSON on both adapters.

mod blocking;
mod tokio;
