//! An extension for tests: messages travel backwards, with a sum behind them.

use tidewire_proto::extension::{DecodeError, Encoded, Extension, Parameters, ReservedBit, Transform};
use tidewire_proto::{CloseCode, Kind};

/// The extension `x-toy`, which offers `sum=1`, knows nothing else, and claims this bit.
#[derive(Clone, Copy, Debug)]
pub struct Toy(pub ReservedBit);

/// What it does. Some messages have a meaning: `plain` is left as it is, `secret` is refused; a payload that is `swell` is
/// decoded to one byte more than the limit, `ban` is refused with 4001, `never` with a code that may not be sent.
#[derive(Debug, Default)]
pub struct Backwards;

impl Extension for Toy {
    #[expect(clippy::unnecessary_literal_bound, reason = "as users write it")]
    fn name(&self) -> &str {
        "x-toy"
    }

    fn bit(&self) -> ReservedBit {
        self.0
    }

    fn offer(&self) -> Parameters {
        sum("1")
    }

    fn accept(&self, offered: &Parameters) -> Option<(Parameters, Box<dyn Transform>)> {
        (*offered == sum("1")).then(|| (sum("1"), Box::new(Fragile) as _))
    }

    fn open(&self, answered: &Parameters) -> Result<Box<dyn Transform>, &'static str> {
        if *answered == sum("1") {
            Ok(Box::new(Fragile))
        } else {
            Err("another sum than was offered")
        }
    }
}

fn sum(kind: &str) -> Parameters {
    Parameters::new().with("sum", kind).expect("tokens")
}

impl Transform for Backwards {
    fn encode(&mut self, _: Kind, payload: &[u8]) -> Encoded {
        match payload {
            b"plain" => Encoded::Unchanged,
            b"secret" => Encoded::Refused,
            _ => Encoded::Payload(backwards(payload)),
        }
    }

    fn decode(&mut self, _: Kind, mut payload: Vec<u8>, limit: usize) -> Result<Vec<u8>, DecodeError> {
        match &payload[..] {
            b"swell" => return Ok(vec![b'x'; limit + 1]),
            b"ban" => return Err(DecodeError::new("banned").with_code(4001)),
            b"never" => return Err(DecodeError::new("no such code").with_code(CloseCode::ABNORMAL)),
            _ => {}
        }
        let claimed = payload.pop().ok_or(DecodeError::new("no sum"))?;
        payload.reverse();
        if claimed == sum_of(&payload) {
            Ok(payload)
        } else {
            Err(DecodeError::new("sum differs"))
        }
    }
}

/// The same, and panics at `panic` and `crash`.
struct Fragile;

impl Transform for Fragile {
    fn encode(&mut self, kind: Kind, payload: &[u8]) -> Encoded {
        assert_ne!(payload, b"panic", "by request");
        Backwards.encode(kind, payload)
    }

    fn decode(&mut self, kind: Kind, payload: Vec<u8>, limit: usize) -> Result<Vec<u8>, DecodeError> {
        assert_ne!(payload, b"crash", "by request");
        Backwards.decode(kind, payload, limit)
    }
}

/// What becomes of a payload.
pub fn backwards(payload: &[u8]) -> Vec<u8> {
    let mut encoded: Vec<u8> = payload.iter().rev().copied().collect();
    encoded.push(sum_of(payload));
    encoded
}

fn sum_of(payload: &[u8]) -> u8 {
    payload.iter().fold(7, |sum: u8, byte| sum.wrapping_add(*byte))
}
