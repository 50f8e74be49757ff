//! Frames as they should not be, sent through the API for testing tools, on both adapters.

mod blocking;
mod broken;
mod tokio;
