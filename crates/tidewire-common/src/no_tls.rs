/// A client's side of TLS, which nobody has: the program was built without the feature `tls`.
#[derive(Clone, Debug)]
pub enum ClientTls {}

impl ClientTls {
    pub(crate) fn unnamed(self) -> Self {
        self
    }
}
