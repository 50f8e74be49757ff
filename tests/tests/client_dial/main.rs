//! How a client reaches its server: the same in both adapters.

mod addresses;
mod ends;
mod options;
mod support;
mod unix;
