use std::error::Error;

use super::TlsReason;

/// Nothing, since there is no TLS.
pub(super) fn reason(_cause: &(dyn Error + 'static)) -> Option<TlsReason> {
    None
}
