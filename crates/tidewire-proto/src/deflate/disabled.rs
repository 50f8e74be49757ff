//! Without the feature `deflate`: what no connection ever has.

use alloc::boxed::Box;

use crate::error::ProtocolError;
use crate::event::{End, Message};
use crate::time::Instant;

#[derive(Debug)]
pub(crate) enum Sending {}

#[derive(Debug)]
pub(crate) enum Receiving {}

/// Inhabited, since code behind a call that gives what cannot be would be unreachable.
#[derive(Debug)]
pub(crate) struct Deflater(Box<[u8]>);

impl Sending {
    pub(crate) fn message(&mut self, _: Message<'_>) -> Option<Deflater> {
        match *self {}
    }

    pub(crate) fn fragment(&mut self, _: &[u8]) -> Deflater {
        match *self {}
    }

    pub(crate) fn settle(&mut self, _: Instant, _: Deflater, _: &[u8], _: End) {
        match *self {}
    }

    pub(crate) fn sleeps_at(&self) -> Option<Instant> {
        match *self {}
    }

    pub(crate) fn sleep(&mut self) {
        match *self {}
    }
}

impl Receiving {
    pub(crate) fn waiting(&self) -> usize {
        match *self {}
    }

    pub(crate) fn inflate(
        &mut self,
        _: Instant,
        _: &[u8],
        _: End,
        _: usize,
        _: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<usize, ProtocolError> {
        match *self {}
    }

    pub(crate) fn sleeps_at(&self) -> Option<Instant> {
        match *self {}
    }

    pub(crate) fn sleep(&mut self) {
        match *self {}
    }
}

impl Deflater {
    pub(crate) fn part(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn last_part(&self) -> &[u8] {
        &self.0
    }
}
