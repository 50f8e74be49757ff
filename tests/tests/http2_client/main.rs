//! Clients over HTTP/2, on a server of ours behind axum and on servers that lie.

mod honest;
mod lying;
mod over_tls;
mod scripted;
mod streams;
