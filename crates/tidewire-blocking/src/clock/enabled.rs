//! Time that a test may stop and move.
//!
//! While it stands still, a moment in time is followed by the next only when all is done that it asked for: the keeper
//! sleeps, and no thread is awake that was woken or that reads or writes. Such a thread is counted until it waits anew or
//! leaves the connection's code: [`rest`].

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as SystemInstant};

use tidewire_common::proto::Instant;

use super::{START, left};
use crate::keeper::Keeper;

/// How often a thread that waits for a moment looks whether the time was moved.
const SLICE: Duration = Duration::from_millis(1);
/// How long a moment may last by the system's time: far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the time stands still, in nanoseconds; zero where it runs.
static STOPPED: AtomicU64 = AtomicU64::new(0);
/// How far it is from the system's since it was stopped last, in nanoseconds: it never goes back.
static OFFSET: AtomicI64 = AtomicI64::new(0);

static WORLD: Mutex<World> = Mutex::new(World {
    awake: 0,
    activity: 0,
    alarms: Vec::new(),
    next_id: 0,
    question: Question::None,
    answers: 0,
    keeper_wakes_at: None,
});
/// No thread is awake, or the keeper answered.
static SETTLED: Condvar = Condvar::new();

/// Who waits for what.
struct World {
    /// How many threads were called and do not rest yet.
    awake: usize,
    /// Counts whatever may give somebody something to do.
    activity: u64,
    alarms: Vec<Alarm>,
    next_id: u64,
    question: Question,
    answers: u64,
    keeper_wakes_at: Option<Instant>,
}

/// A thread that waits for a moment.
struct Alarm {
    id: u64,
    at: Instant,
    state: Ringing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ringing {
    Quiet,
    /// It rang, and counts as awake.
    Rang,
}

/// Whether the keeper is asked to look at all that is ready, and to say when it has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    None,
    Asked,
    /// It looks at what was ready then.
    Answering,
}

/// The present on the process's one clock: the keeper compares deadlines of all connections.
pub(crate) fn now() -> Instant {
    match STOPPED.load(Ordering::Acquire) {
        0 => {
            let elapsed = Instant::from_elapsed(START.elapsed()).as_nanos();
            Instant::from_nanos(elapsed.saturating_add_signed(OFFSET.load(Ordering::Acquire)))
        }
        stopped => Instant::from_nanos(stopped),
    }
}

/// Waits until something changed, or the time is over, or for no reason; the caller looks again.
pub(crate) fn wait<'a, T>(
    changed: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Option<Duration>,
) -> MutexGuard<'a, T> {
    let Some(timeout) = timeout else {
        rest();
        let guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        rise();
        return guard;
    };
    let at = now() + timeout;
    // In this order, so that the time does not pass the moment by while the thread does neither.
    let alarm = world().set_alarm(at);
    rest();
    let slice = if is_stopped() { SLICE } else { at - now() };
    let (guard, _) = changed
        .wait_timeout(guard, slice)
        .unwrap_or_else(PoisonError::into_inner);
    world().take_alarm(alarm);
    come();
    guard
}

/// How long the keeper may sleep that wants to wake at a moment.
pub(crate) fn keeper_timeout(wake_at: Option<Instant>) -> Option<Duration> {
    rest();
    let mut world = world();
    world.keeper_wakes_at = wake_at;
    match world.question {
        Question::None => {}
        Question::Asked => {
            world.question = Question::Answering;
            return Some(Duration::ZERO);
        }
        Question::Answering => {
            world.question = Question::None;
            world.answers += 1;
            SETTLED.notify_all();
        }
    }
    if is_stopped() {
        // It is woken when the time is moved.
        wake_at.filter(|at| *at <= now()).map(|_| Duration::ZERO)
    } else {
        left(wake_at)
    }
}

/// Notes that so many threads are woken, which are to [`come`].
pub(crate) fn call(threads: usize) {
    let mut world = world();
    world.awake += threads;
    world.activity += 1;
}

/// Notes that this thread is one that was called.
pub(crate) fn come() {
    // A thread that is ending counts no more.
    if CALLS.try_with(|calls| calls.0.set(calls.0.get() + 1)).is_err() {
        rest_from(1);
    }
}

/// Notes that this thread is about to read or to write, or to wait for either.
pub(crate) fn rise() {
    world().awake += 1;
    come();
}

/// Notes that this thread has done what it was woken for.
pub(crate) fn rest() {
    let calls = CALLS.try_with(|calls| calls.0.take()).unwrap_or(0);
    if calls > 0 {
        rest_from(calls);
    }
}

fn rest_from(calls: usize) {
    world().awake -= calls;
    SETTLED.notify_all();
}

thread_local! {
    static CALLS: Calls = const { Calls(Cell::new(0)) };
}

/// How often this thread counts as awake.
struct Calls(Cell<usize>);

impl Drop for Calls {
    fn drop(&mut self) {
        rest_from(self.0.get());
    }
}

fn is_stopped() -> bool {
    STOPPED.load(Ordering::Acquire) != 0
}

fn world() -> MutexGuard<'static, World> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn set_alarm(&mut self, at: Instant) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let state = Ringing::Quiet;
        self.alarms.push(Alarm { id, at, state });
        id
    }

    /// Takes an alarm, after which its thread counts as awake, whether it rang or not.
    fn take_alarm(&mut self, id: u64) {
        let place = self.alarms.iter().position(|alarm| alarm.id == id);
        let state = place.map(|place| self.alarms.swap_remove(place).state);
        if state != Some(Ringing::Rang) {
            self.awake += 1;
        }
    }

    /// The next moment that somebody waits for.
    fn next_after(&self, now: Instant) -> Option<Instant> {
        let quiet = self.alarms.iter().filter(|alarm| alarm.state == Ringing::Quiet);
        let moments = quiet.map(|alarm| alarm.at).chain(self.keeper_wakes_at);
        moments.filter(|at| *at > now).min()
    }
}

/// The time, stopped until this is dropped.
pub(crate) struct Stopped {
    start: Instant,
    /// What is left of the patience with threads.
    patience: Duration,
    _alone: MutexGuard<'static, ()>,
}

impl Stopped {
    /// Waits until nobody else has stopped the time.
    pub(crate) fn take() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::from_nanos(now().as_nanos().max(1));
        STOPPED.store(start.as_nanos(), Ordering::Release);
        wake_keeper();
        Self {
            start,
            patience: PATIENCE,
            _alone: alone,
        }
    }

    /// How far it was moved.
    pub(crate) fn elapsed(&self) -> Duration {
        now() - self.start
    }

    /// Moves the time on, from one moment that somebody waits for to the next, and waits at each until all is done.
    pub(crate) fn advance(&mut self, duration: Duration) {
        let end = now() + duration;
        self.patience = PATIENCE;
        loop {
            settle(&mut self.patience);
            let next = world().next_after(now()).filter(|next| *next < end);
            let Some(next) = next else { break };
            move_to(next);
        }
        move_to(end);
        settle(&mut self.patience);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let elapsed = i128::from(Instant::from_elapsed(START.elapsed()).as_nanos());
        let offset = i128::from(now().as_nanos()) - elapsed;
        OFFSET.store(i64::try_from(offset).unwrap_or(i64::MAX), Ordering::Release);
        STOPPED.store(0, Ordering::Release);
        wake_keeper();
    }
}

fn wake_keeper() {
    // Without one, there is no connection either.
    if let Ok(keeper) = Keeper::get() {
        keeper.wake();
    }
}

fn move_to(moment: Instant) {
    STOPPED.store(moment.as_nanos(), Ordering::Release);
    let mut world = world();
    let mut ringing = 0;
    for alarm in &mut world.alarms {
        if alarm.at <= moment && alarm.state == Ringing::Quiet {
            alarm.state = Ringing::Rang;
            ringing += 1;
        }
    }
    world.awake += ringing;
}

/// Waits until all is done that the present asks for. Where that takes longer than the patience with threads, there is none
/// any more.
fn settle(patience: &mut Duration) {
    rest();
    let until = SystemInstant::now() + *patience;
    loop {
        let (activity, answers) = {
            let mut world = world();
            world.question = Question::Asked;
            (world.activity, world.answers)
        };
        wake_keeper();
        drop(wait_while(PATIENCE, |world| world.answers == answers));
        let left = until.saturating_duration_since(SystemInstant::now());
        let world = wait_while(left, |world| world.awake > 0);
        if world.awake == 0 && world.activity == activity {
            return;
        }
        if SystemInstant::now() >= until {
            *patience = Duration::ZERO;
            return;
        }
    }
}

fn wait_while(limit: Duration, mut is_so: impl FnMut(&World) -> bool) -> MutexGuard<'static, World> {
    SETTLED
        .wait_timeout_while(world(), limit, |world| is_so(world))
        .unwrap_or_else(PoisonError::into_inner)
        .0
}
