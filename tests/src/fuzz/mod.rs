//! The functions that are fuzzed: each takes any bytes and panics where tidewire breaks a promise.

mod heads;
mod operations;
mod reader_splits;
mod round_trip;
mod source;
mod text;

pub use heads::{request_head, response_head};
pub use operations::operations;
pub use reader_splits::reader_splits;
pub use round_trip::round_trip;
pub use source::Source;
pub use text::text;
