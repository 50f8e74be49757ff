//! Each example, started, talked to and ended.

mod application;
mod authentication;
mod axum;
mod chat;
mod echo;
mod greeting;
mod json;
mod operation;
mod pages;
mod patterns;
mod proto;
mod readme;
mod reconnect;
mod router;
mod support;
