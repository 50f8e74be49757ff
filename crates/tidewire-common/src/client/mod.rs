//! A client's way to a connection, as far as it needs no runtime.

mod application;
mod connecting;
pub mod dial;
mod http2_error;
mod journey;
mod offered;
mod opening;
pub(crate) mod proxy;
mod redirect;
mod retry;
mod setters;
mod settings;
mod target;
mod trace;

pub use application::{AfterError, ApplicationError, ApplicationHandle, Callback, CallbackError, Callbacks};
pub use connecting::Connecting;
pub use http2_error::Http2Error;
pub use journey::Journey;
pub use opening::Opening;
pub use redirect::RedirectError;
pub use retry::{Attempts, Backoff, OnStop, ReconnectEvent, Retry, StopToken, Stopped};
pub use settings::{Authorization, ClientSettings};
pub use target::{Scheme, Target};
pub use trace::{Direction, Trace, TracedFrame, Tracer};
