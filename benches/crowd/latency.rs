use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::{self, Client};

/// How often a healthy client comes.
const PACE: Duration = Duration::from_millis(10);

/// How long a client that is not served is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Healthy clients who keep coming, in a thread of their own.
#[derive(Debug)]
pub(crate) struct Healthy {
    thread: JoinHandle<io::Result<Vec<Option<Duration>>>>,
    stop: Arc<AtomicBool>,
}

/// How long they took to connect and have a message echoed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) clients: usize,
    pub(crate) failed: usize,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            clients,
            failed,
            median,
            p99,
        } = self;
        write!(
            f,
            "{clients} clients, {failed} not served, median {median:.1?}, p99 {p99:.1?}"
        )
    }
}

impl Healthy {
    pub(crate) fn start(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        Self {
            thread: thread::spawn(move || client::runtime()?.block_on(come(port, &told))),
            stop,
        }
    }

    /// Has no more of them come.
    pub(crate) fn stop(self) -> Result<Latency, Box<dyn Error>> {
        self.stop.store(true, Ordering::Relaxed);
        let times = self.thread.join().map_err(|_| "the healthy clients panicked")??;
        let clients = times.len();
        let mut times: Vec<Duration> = times.into_iter().flatten().collect();
        times.sort_unstable();
        let percentile = |of_100: usize| times.get(times.len() * of_100 / 100).copied();
        Ok(Latency {
            clients,
            failed: clients - times.len(),
            median: percentile(50).ok_or("no healthy client was served")?,
            p99: percentile(99).ok_or("no healthy client was served")?,
        })
    }
}

/// One client after the other, whether those before were served or not.
async fn come(port: u16, told: &AtomicBool) -> io::Result<Vec<Option<Duration>>> {
    let mut clients = JoinSet::new();
    let mut ticks = tokio::time::interval(PACE);
    while !told.load(Ordering::Relaxed) {
        ticks.tick().await;
        clients.spawn(async move { tokio::time::timeout(PATIENCE, once(port)).await.ok()?.ok() });
    }
    Ok(clients.join_all().await)
}

async fn once(port: u16) -> io::Result<Duration> {
    let start = Instant::now();
    let client = client::greet(Client::connect(port).await?).await?;
    let took = start.elapsed();
    client.leave().await?;
    Ok(took)
}
