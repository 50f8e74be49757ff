//! What a server decides, whichever way it waits: who is let in, and on which terms.

mod accepting;
mod admissions;
mod basic_auth;
mod handle;
mod hosted;
mod interruptions;
mod origins;
mod path_parameters;
mod policy;
mod preface;
mod proxy_protocol;
mod refusal;
mod routes;
mod standing;
mod trusted_proxies;

pub use accepting::{Accepting, Declined, Refused};
pub use admissions::{Admission, Admissions, Caps};
pub use basic_auth::{BasicAuth, Challenge};
pub use handle::{Served, ServerControl, ServerHandle};
pub use hosted::{Consent, Hosted};
pub use interruptions::{Interruptions, MOST_WAITING};
pub use origins::{InvalidOrigin, Origins};
pub use path_parameters::PathParameters;
pub use policy::{Answer, Asked, ServerPolicy};
pub use preface::{Begun, Preface, Wire};
pub use proxy_protocol::{Proxied, ProxyError, ProxyHeader, ProxyProtocol, ReadHeader};
pub use routes::{InvalidRoute, Routes};
pub use standing::{Farewell, Standing};
pub use trusted_proxies::TrustedProxies;
