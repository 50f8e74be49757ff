use alloc::vec::Vec;
use core::time::Duration;

use crate::time::Instant;

/// The plain text that one direction may still refer to: the end of its compressed messages.
///
/// While messages pass it holds up to two windows, so that it is moved to the front once a window and not with each
/// message; at rest exactly what counts.
#[derive(Debug)]
pub(crate) struct History {
    text: Vec<u8>,
    window: usize,
    /// When something was appended last; `None` while asleep.
    used: Option<Instant>,
}

impl History {
    pub(crate) const fn new(window: usize) -> Self {
        Self {
            text: Vec::new(),
            window,
            used: None,
        }
    }

    /// Appends what follows.
    pub(crate) fn push(&mut self, now: Instant, text: &[u8]) {
        self.used = Some(now);
        let kept = text.len().min(self.window);
        let (_, tail) = text.split_at(text.len() - kept);
        if self.text.len() + kept > 2 * self.window {
            // All of it counts that the new text leaves room for, and no more.
            let stale = self.text.len() + kept - self.window;
            self.text.drain(..stale.min(self.text.len()));
        }
        if self.text.capacity() - self.text.len() < kept {
            let grown = (self.text.len() + kept).next_power_of_two().min(2 * self.window);
            self.text.reserve_exact(grown - self.text.len());
        }
        self.text.extend_from_slice(tail);
    }

    /// The last window of it.
    pub(crate) fn window(&self) -> &[u8] {
        let stale = self.text.len().saturating_sub(self.window);
        self.text.get(stale..).unwrap_or_default()
    }

    /// When to sleep, unless something is appended before; `None` while asleep.
    pub(crate) fn sleeps_at(&self, idle: Duration) -> Option<Instant> {
        self.used.map(|used| used + idle)
    }

    /// Gives all memory back but that of the last window.
    pub(crate) fn sleep(&mut self) {
        self.used = None;
        let stale = self.text.len() - self.window().len();
        self.text.drain(..stale);
        self.text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_last_window_is_kept_in_at_most_two(
            texts in vec((vec(any::<u8>(), 0..50), any::<bool>()), 0..40),
        ) {
            let mut history = History::new(16);
            let mut all = Vec::new();
            for (text, rests) in texts {
                history.push(Instant::START, &text);
                all.extend_from_slice(&text);
                if rests {
                    history.sleep();
                    prop_assert_eq!(history.text.capacity(), history.window().len());
                }
                let expected = all.get(all.len().saturating_sub(16)..);
                prop_assert_eq!(Some(history.window()), expected);
                prop_assert!(history.text.capacity() <= 32, "{}", history.text.capacity());
            }
        }
    }
}
