//! `wss://`: whom a client trusts, who it is, and what is said where there is no TLS with a server. The same for both
//! adapters.

mod certificates;
mod dangerous;
mod ends;
mod identity;
mod names;
mod platform;
mod redirects;
mod strangers;
mod support;
