//! permessage-deflate (RFC 7692): messages compressed one by one.

mod context;

pub use context::{Context, Contexts, Takeover, WindowBits};
