//! How many may connect.

mod admission;
mod caps;
mod counts;

pub use admission::{Admission, Admissions};
pub use caps::Caps;
