//! The `tidewire` command as a user meets it: started, talked to, stopped.

mod answers;
mod compression;
mod connecting;
mod crowds;
mod echo;
mod ends;
mod guests;
mod listening;
mod starts;
mod support;
mod tls;
mod unix;
