use std::cell::Cell;

/// One value that a thread keeps for whoever needs such a one next: to get and give back its memory each time costs more
/// than all else that a short message does.
pub(crate) struct Spare<T>(Cell<Option<Box<T>>>);

impl<T: Default> Spare<T> {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(None))
    }

    /// Takes the spare value, or makes one.
    #[inline]
    #[expect(clippy::unnecessary_box_returns, reason = "the box is kept, too")]
    pub(crate) fn take(&self) -> Box<T> {
        self.0.take().unwrap_or_default()
    }

    /// Keeps a value that is as good as new.
    #[inline]
    pub(crate) fn keep(&self, value: Box<T>) {
        self.0.set(Some(value));
    }
}
