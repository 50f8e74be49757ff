//! The test kit for applications, as they use it, on both adapters; but for time on threads, which is `kit_time`.

mod blocking;
mod failures;
mod tokio;
