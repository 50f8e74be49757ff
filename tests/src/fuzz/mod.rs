//! The functions that are fuzzed: each takes any bytes and panics where tidewire breaks a promise.

mod deflate;
mod deflate_round_trip;
mod extension;
mod extension_parameters;
mod fast_paths;
mod operations;
mod proxy_header;
mod reader_splits;
mod round_trip;
mod source;
mod text;
mod tunnel;

pub use deflate::deflate;
pub use deflate_round_trip::deflate_round_trip;
pub use extension::extension;
pub use extension_parameters::extension_parameters;
pub use fast_paths::fast_paths;
pub use operations::operations;
pub use proxy_header::proxy_header;
pub use reader_splits::reader_splits;
pub use round_trip::round_trip;
pub use source::Source;
pub use text::text;
pub use tidewire_proto::handshake::fuzz::{
    client_request, request as request_head, response as response_head,
};
pub use tunnel::tunnel;
