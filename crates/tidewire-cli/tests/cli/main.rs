//! The `tidewire` command as a user meets it: started, talked to, stopped.

mod answers;
mod compression;
mod connecting;
mod echo;
mod ends;
mod starts;
mod support;
