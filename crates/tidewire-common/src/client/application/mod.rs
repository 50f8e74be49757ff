//! Clients made of callbacks, as far as they need no runtime.

mod callbacks;
mod error;
mod handle;

pub use callbacks::Callbacks;
pub use error::{AfterError, ApplicationError, Callback, CallbackError};
pub use handle::ApplicationHandle;
