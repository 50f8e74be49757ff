use std::sync::Arc;

use tidewire_proto::deflate::NoPool;
use tidewire_proto::{Config, Limits, ProtocolError, Server};

use super::Source;
use crate::deflate::extension;
use crate::endpoint::{Endpoint, Seen};
use crate::inflate::{Fault, Inflater};
use crate::reference::Sender;
use crate::wire::Frame;

/// Small, so that the fuzzer reaches it.
const LIMIT: usize = 4096;

/// Compressed messages, whatever their payload is, are read as by a decoder written straight from RFC 1951, or refused
/// as there; none is longer than the limit.
///
/// # Panics
/// Where that is not so.
pub fn deflate(data: &[u8]) {
    let mut source = Source::new(data);
    let bits = if source.flag() { 15 } else { -15 };
    let config = Config::new().limits(Limits::default().message(LIMIT));
    let mut server = Endpoint::with_deflate(Server, config, &extension(15, bits, &Arc::new(NoPool)));
    let mut reference = Inflater::new(15, bits > 0);
    let piece_len = usize::from(source.byte()).max(1);
    while !source.is_empty() {
        let len = source.number();
        let payload = source.take(len.min(LIMIT));
        let cut = usize::from(source.byte()).min(payload.len());
        let (first, last) = payload.split_at(cut);
        let bytes = [
            Frame::new(0x42, first).sent_by(Sender::Client),
            Frame::continuation(last).sent_by(Sender::Client),
        ]
        .concat();
        let mut seen: Vec<Seen> = bytes
            .chunks(piece_len)
            .flat_map(|piece| server.receive_bytes(piece))
            .collect();
        // An error is given again by each later call.
        seen.dedup();
        match reference.message(payload, LIMIT) {
            Ok(text) => assert_eq!(seen, [Seen::Binary(text)], "{payload:02x?}"),
            Err(fault) => {
                let is_failed = match seen[..] {
                    // What is broken right behind the first byte too many may be seen before that is counted.
                    [Seen::Failed(ProtocolError::BrokenDeflate)] => true,
                    [Seen::Failed(ProtocolError::MessageTooBig { .. })] => fault == Fault::TooLong,
                    _ => false,
                };
                assert!(is_failed, "{fault:?}: {payload:02x?} gave {seen:.200?}");
                return;
            }
        }
    }
}
