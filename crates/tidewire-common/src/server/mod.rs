//! What a server decides, whichever way it waits: who is let in, and on which terms.

mod accepting;
mod basic_auth;
mod handle;
mod origins;
mod policy;

pub use accepting::{Accepting, Declined};
pub use basic_auth::{BasicAuth, Credentials};
pub use handle::{Served, ServerControl, ServerHandle};
pub use origins::{InvalidOrigin, Origins};
pub use policy::{Answer, ServerPolicy};
