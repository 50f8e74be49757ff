use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long a test may take on the clock on the wall; every one of them needs a small part of it.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test, and ends the process with its name where it hangs: a paused clock, or a task that spins, would keep a
/// timeout of tokio's from ever firing.
pub async fn bounded<T>(test: impl Future<Output = T>) -> T {
    let _watch = watch();
    test.await
}

/// As [`bounded`], for a test that blocks.
pub fn bounded_now<T>(test: impl FnOnce() -> T) -> T {
    let _watch = watch();
    test()
}

/// Watches the test of this thread until it is dropped.
fn watch() -> Sender<()> {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let (done, watch) = channel::<()>();
    thread::spawn(move || {
        if watch.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} did not end within {LIMIT:?}");
            std::process::exit(101);
        }
    });
    done
}

/// Waits for something that needs no timer: for use where the clock is paused, which it moves when all tasks sleep.
///
/// # Panics
/// Where all tasks sleep before it is there: a wake-up was lost.
pub async fn promptly<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(Duration::from_millis(1), future).await;
    result.unwrap_or_else(|_| panic!("all tasks sleep, and this is not done: {what}"))
}

/// Waits until no task is alive.
pub async fn no_task_is_left() {
    let metrics = tokio::runtime::Handle::current().metrics();
    while metrics.num_alive_tasks() > 0 {
        tokio::task::yield_now().await;
    }
}
