use tidewire_proto::MaskSource;

/// Masking keys from the thread's cryptographically secure generator, which the system seeds.
///
/// §5.3: "the masking key MUST be derived from a strong source of entropy".
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemMasks;

impl MaskSource for SystemMasks {
    fn next_key(&mut self) -> [u8; 4] {
        rand::random()
    }
}
