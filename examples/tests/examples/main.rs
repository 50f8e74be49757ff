//! Each example, started, talked to and ended.

mod axum;
mod chat;
mod echo;
mod greeting;
mod patterns;
mod proto;
mod router;
mod support;
