use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::replies::{Checker, Progress};
use crate::stream::{PATIENCE, Stream};
use crate::turns::Turn;

/// How much is read at once.
const BUFFER: usize = 256 << 10;

/// Connections on which turns are exchanged: each sends a turn, waits for its whole reply, and goes on with the next.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    poll: Poll,
    lanes: Vec<Lane>,
    turns: &'a [Turn],
    input: Vec<u8>,
}

/// What was exchanged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchanged {
    /// Turns that were completed.
    pub(crate) turns: u64,
    /// Bytes of payload that came back, where frames were read.
    pub(crate) wire_bytes: u64,
}

/// One connection.
#[derive(Debug)]
struct Lane {
    stream: Stream,
    /// Which turn it is at.
    turn: usize,
    /// How much of it was sent.
    sent: usize,
    checker: Checker,
    completed: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Resting,
    Waiting,
}

impl<'a> Exchange<'a> {
    /// Takes connections that are open; they begin at different turns.
    pub(crate) fn new(streams: Vec<Stream>, turns: &'a [Turn]) -> Result<Self> {
        let poll = Poll::new()?;
        let mut lanes = Vec::with_capacity(streams.len());
        for (index, stream) in streams.into_iter().enumerate() {
            stream.socket().set_nonblocking(true)?;
            poll.registry().register(
                &mut SourceFd(&stream.socket().as_raw_fd()),
                Token(index),
                Interest::READABLE | Interest::WRITABLE,
            )?;
            lanes.push(Lane {
                stream,
                turn: index % turns.len(),
                sent: 0,
                checker: Checker::default(),
                completed: 0,
                state: State::Resting,
            });
        }
        Ok(Self {
            poll,
            lanes,
            turns,
            input: vec![0; BUFFER],
        })
    }

    /// Exchanges turns for this long, then waits for the replies that are due.
    pub(crate) fn run(&mut self, time: Duration) -> Result<Exchanged> {
        let end = Instant::now() + time;
        let before = self.total();
        for lane in &mut self.lanes {
            lane.begin(self.turns)?;
        }
        let mut busy = self.lanes.len();
        let mut events = Events::with_capacity(1024);
        while busy > 0 {
            self.poll.poll(&mut events, Some(PATIENCE))?;
            ensure!(!events.is_empty(), "{busy} connections wait for a reply in vain");
            let over = Instant::now() >= end;
            for event in &events {
                let lane = &mut self.lanes[event.token().0];
                if lane.state == State::Resting {
                    continue;
                }
                if event.is_writable() {
                    lane.write(self.turns)?;
                }
                if event.is_readable() {
                    lane.read(self.turns, &mut self.input)?;
                    match lane.state {
                        State::Waiting => {}
                        State::Resting if over => busy -= 1,
                        State::Resting => lane.begin(self.turns)?,
                    }
                }
            }
        }
        let total = self.total();
        Ok(Exchanged {
            turns: total.turns - before.turns,
            wire_bytes: total.wire_bytes - before.wire_bytes,
        })
    }

    fn total(&self) -> Exchanged {
        Exchanged {
            turns: self.lanes.iter().map(|lane| lane.completed).sum(),
            wire_bytes: self.lanes.iter().map(|lane| lane.checker.wire_bytes).sum(),
        }
    }
}

impl Lane {
    /// Begins the next turn.
    fn begin(&mut self, turns: &[Turn]) -> Result<()> {
        self.turn = (self.turn + 1) % turns.len();
        self.sent = 0;
        self.state = State::Waiting;
        self.write(turns)
    }

    /// Sends as much of the turn as goes.
    fn write(&mut self, turns: &[Turn]) -> Result<()> {
        let out = &turns[self.turn].out;
        while self.sent < out.len() {
            match self.stream.write(&out[self.sent..]) {
                Ok(0) => bail!("nothing can be written"),
                Ok(len) => self.sent += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        match self.stream.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Reads what is there, at most to the end of the reply: nothing is due behind it.
    fn read(&mut self, turns: &[Turn], input: &mut [u8]) -> Result<()> {
        let reply = &turns[self.turn].reply;
        loop {
            let len = match self.stream.read(input) {
                Ok(0) => bail!("connection ended instead of a reply"),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            if self.checker.check(reply, &input[..len])? == Progress::Complete {
                ensure!(
                    self.sent == turns[self.turn].out.len(),
                    "the reply came before its message was sent"
                );
                self.completed += 1;
                self.state = State::Resting;
                return Ok(());
            }
            // The next bytes to arrive give another event.
            if len < input.len() && self.stream.short_read_empties() {
                return Ok(());
            }
        }
    }
}
