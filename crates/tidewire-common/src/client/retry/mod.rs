//! When a client connects again: after which failures, how often, and how much later.

mod attempts;
mod backoff;
mod event;
mod policy;
mod retry_after;
mod stop_token;
mod transient;

pub use attempts::Attempts;
pub use backoff::Backoff;
pub use event::ReconnectEvent;
pub use policy::Retry;
pub use stop_token::{OnStop, StopToken, Stopped};
pub(crate) use transient::is_busy;
