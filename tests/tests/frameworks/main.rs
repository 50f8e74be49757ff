//! Connections of servers on hyper and axum, over HTTP/1.1 and HTTP/2, beside what else they serve.

mod handlers;
mod http1;
mod http2;
mod layers;
mod on_hyper;
mod shutdown;
mod support;
