use std::sync::{Arc, Weak};

use bytes::Bytes;
use tidewire_tokio::Message;

use crate::corpus::{Random, noise, scripts};

/// Lengths around those from which a payload is sent from where it lies and read into its store, and beyond.
pub const LARGE_LENS: [usize; 5] = [(16 << 10) - 1, 16 << 10, 64 << 10, (1 << 20) + 3, 5 << 20];

/// A message of each of these lengths of both types, texts in several scripts; other contents for each seed.
pub fn large_messages(seed: u64) -> Vec<Message> {
    let random = &mut Random::new(seed);
    let mut messages = Vec::new();
    for len in LARGE_LENS {
        let mut text = scripts(random, len);
        // To the byte.
        let mut end = len;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.extend(std::iter::repeat_n('.', len - end));
        messages.push(text.into());
        messages.push(noise(random, len).into());
    }
    messages
}

/// A large payload, which says whether anybody still has it.
pub fn watched(len: usize) -> (Message, Weak<Vec<u8>>) {
    struct Owner(Arc<Vec<u8>>);
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let payload = Arc::new(vec![7; len]);
    let watch = Arc::downgrade(&payload);
    (Bytes::from_owner(Owner(payload)).into(), watch)
}
