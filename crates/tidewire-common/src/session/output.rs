use std::collections::VecDeque;
use std::io::IoSlice;
use std::mem;

use super::frames::Frames;
use super::overflow::Overflow;
use crate::outgoing::Outgoing;
use crate::spare::Spare;

/// A larger buffer is given back when all of it has left.
const KEPT: usize = 64 * 1024;
/// A larger buffer is not kept to go on with.
const SPARE_BUFFER: usize = 64;

thread_local! {
    /// The output that this thread wrote last, for the connection that has something to write next.
    static SPARE: Spare<Waiting> = const { Spare::new() };
}

/// The output of a connection. Mostly there is none, and then it is as small as a pointer: one spare buffer serves all
/// connections of a thread, one after the other.
#[derive(Debug, Default)]
pub(super) struct Output(Option<Box<Waiting>>);

/// What waits to be written.
#[derive(Debug, Default)]
struct Waiting {
    frames: Frames,
    /// How many bytes were taken to be written; they come before the frames.
    taken: usize,
    /// The buffer to go on with when they are taken next.
    spare: Vec<u8>,
    /// Where in the order of all bytes each message ends that has not left whole.
    message_ends: VecDeque<u64>,
    /// What comes behind all this once there is room for it.
    overflow: Option<Box<Overflow>>,
}

impl Output {
    /// Lends the buffer to append to; it is empty where nothing waits.
    #[inline]
    pub(super) fn append<T>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        if let Some(waiting) = &mut self.0 {
            return append(waiting.frames.bytes());
        }
        let mut spare = SPARE.with(Spare::take);
        let result = append(spare.frames.bytes());
        if spare.frames.len() == 0 {
            SPARE.with(|kept| kept.keep(spare));
        } else {
            self.0 = Some(spare);
        }
        result
    }

    /// Appends the payload of a message whose header was appended last.
    pub(super) fn lend(&mut self, message: Outgoing) {
        self.0.get_or_insert_default().frames.lend(message);
    }

    /// Notes that the last message in it ends at this byte in the order of all.
    #[inline]
    pub(super) fn note_message(&mut self, end: u64) {
        self.0.get_or_insert_default().message_ends.push_back(end);
    }

    /// How much has neither left nor been taken.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.frames.len())
    }

    /// Lists the start of that.
    pub(super) fn slices<'s, 'f>(&'f self, slices: &'s mut [IoSlice<'f>]) -> &'s [IoSlice<'f>] {
        match &self.0 {
            Some(waiting) => waiting.frames.slices(slices),
            None => &[],
        }
    }

    /// How many bytes were taken.
    pub(super) fn taken(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.taken)
    }

    /// Takes what has not left.
    pub(super) fn take(&mut self) -> Frames {
        let waiting = self.0.get_or_insert_default();
        waiting.taken = waiting.frames.len();
        waiting.frames.take(mem::take(&mut waiting.spare))
    }

    /// Notes that what was taken is no longer outside.
    pub(super) fn note_given_back(&mut self) {
        if let Some(waiting) = &mut self.0 {
            waiting.taken = 0;
        }
    }

    /// Puts in front what is left of frames that were taken, or no more than their buffer.
    pub(super) fn put_back(&mut self, frames: Frames) {
        let waiting = self.0.get_or_insert_default();
        if frames.len() == 0 && waiting.frames.len() > 0 {
            return;
        }
        let later = mem::replace(&mut waiting.frames, frames);
        let buffer = waiting.frames.append(later);
        // Mostly nothing was queued meanwhile, and it is as small as it began.
        if buffer.capacity() <= SPARE_BUFFER {
            waiting.spare = buffer;
        }
    }

    /// Notes that the next `written` bytes have left.
    pub(super) fn note_sent(&mut self, written: usize) {
        if let Some(waiting) = &mut self.0 {
            waiting.frames.advance(written);
        }
    }

    /// Forgets the messages that have left now that `sent` bytes have in all, and gives everything back if all have.
    pub(super) fn pass(&mut self, sent: u64) {
        if self.len() > 0 {
            if let Some(waiting) = &mut self.0 {
                let left = waiting.message_ends.partition_point(|end| *end <= sent);
                waiting.message_ends.drain(..left);
            }
        } else if let Some(waiting) = &mut self.0 {
            waiting.frames.clear();
            waiting.message_ends.clear();
            if waiting.overflow.is_none()
                && let Some(waiting) = self.0.take()
                && waiting.frames.capacity() <= KEPT
            {
                SPARE.with(|kept| kept.keep(waiting));
            }
        }
    }

    /// Drops the bytes; which messages they were can still be asked for.
    pub(super) fn drop_bytes(&mut self) {
        if let Some(waiting) = &mut self.0 {
            waiting.frames = Frames::default();
            waiting.give_up_overflow();
        }
    }

    /// Gives up the memory of what will never leave; how much it is can still be asked for.
    pub(super) fn let_go(&mut self) {
        if let Some(waiting) = &mut self.0 {
            waiting.frames.let_go();
            waiting.give_up_overflow();
        }
    }

    /// How many messages have not left whole.
    pub(super) fn messages(&self) -> usize {
        let overflow = self.overflow().map_or(0, Overflow::unsent);
        overflow + self.0.as_ref().map_or(0, |waiting| waiting.message_ends.len())
    }

    /// What waits behind the output, or did.
    #[inline]
    pub(super) fn overflow(&self) -> Option<&Overflow> {
        self.0.as_ref()?.overflow.as_deref()
    }

    /// The same, to change it.
    pub(super) fn overflow_mut(&mut self) -> &mut Overflow {
        self.0.get_or_insert_default().overflow.get_or_insert_default()
    }

    /// Gives up an overflow that has nothing to tell.
    pub(super) fn tidy_overflow(&mut self) {
        if let Some(waiting) = &mut self.0 {
            waiting.overflow.take_if(|overflow| overflow.unsent() == 0);
        }
    }
}

impl Waiting {
    fn give_up_overflow(&mut self) {
        if let Some(overflow) = &mut self.overflow {
            overflow.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_an_idle_connection_is_a_pointer() {
        assert_eq!(size_of::<Output>(), size_of::<usize>());
    }
}
