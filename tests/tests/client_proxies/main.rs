//! Clients of both adapters behind proxies: ones that are written here, that note every byte or lie, and real ones.

mod hostile;
mod http2;
mod liar;
mod origin;
mod programs;
mod real;
mod relay;
mod relayed;
mod secrets;
mod support;
mod variables;
