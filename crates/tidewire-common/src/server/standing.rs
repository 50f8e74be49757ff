use tidewire_proto::{CloseCode, CloseFrame, SendError};

/// How far a server has come on its way to its end; `T` is a moment on the adapter's clock.
#[derive(Debug, Default)]
pub enum Standing<T> {
    /// It takes connections.
    #[default]
    Serving,
    /// It takes no more; those that are open go on.
    Draining,
    /// Those that are open are closed, and aborted at the deadline.
    ShuttingDown {
        /// The deadline.
        deadline: T,
        /// How they are closed.
        farewell: Farewell,
    },
}

impl<T: Copy> Standing<T> {
    /// Whether it takes connections.
    pub fn is_serving(&self) -> bool {
        matches!(self, Self::Serving)
    }

    /// Has it take no more connections; tells whether that is new.
    pub fn drain(&mut self) -> bool {
        let is_new = self.is_serving();
        if is_new {
            *self = Self::Draining;
        }
        is_new
    }

    /// Has it close those that are open, once; tells whether that is new.
    pub fn shut_down(&mut self, deadline: T, farewell: Farewell) -> bool {
        let is_new = self.deadline().is_none();
        if is_new {
            *self = Self::ShuttingDown { deadline, farewell };
        }
        is_new
    }

    /// When connections are aborted.
    pub fn deadline(&self) -> Option<T> {
        match self {
            Self::Serving | Self::Draining => None,
            Self::ShuttingDown { deadline, .. } => Some(*deadline),
        }
    }

    /// How connections are closed, once they are.
    pub fn farewell(&self) -> Option<Farewell> {
        match self {
            Self::Serving | Self::Draining => None,
            Self::ShuttingDown { farewell, .. } => Some(farewell.clone()),
        }
    }
}

/// What a server that shuts down says to those who are connected.
#[derive(Clone, Debug)]
pub struct Farewell {
    code: CloseCode,
    reason: Box<str>,
}

impl Farewell {
    /// Checks that it may be said.
    pub(super) fn new(code: CloseCode, reason: &str) -> Result<Self, SendError> {
        CloseFrame::new(code, reason).check()?;
        let reason = reason.into();
        Ok(Self { code, reason })
    }

    /// The Close frame that says it.
    pub fn frame(&self) -> CloseFrame<'_> {
        CloseFrame::new(self.code, &self.reason)
    }
}

impl Default for Farewell {
    /// §7.4.1: "1001 indicates that an endpoint is 'going away', such as a server going down".
    fn default() -> Self {
        Self {
            code: CloseCode::GOING_AWAY,
            reason: "server shuts down".into(),
        }
    }
}
