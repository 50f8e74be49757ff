use std::error::Error;
use std::io;
use std::thread;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::Crowd;
use crate::client::{self, Client, REQUEST};
use crate::latency::Healthy;
use crate::process::ServerProcess;
use crate::verdicts::Verdicts;
use crate::{progress, seconds};

/// How often some of the crowd come.
const TICK: Duration = Duration::from_millis(10);

/// How often the slow say a byte.
const SLOWNESS: Duration = Duration::from_secs(1);

/// How much later than the time for the handshake a client may see its end: a refusal that comes late has a second.
const BEYOND: Duration = Duration::from_secs(2);

/// How long nobody of the crowd may see its end.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    crowd: Crowd,

    /// The time that the server gives a handshake, in seconds; the default is the server's.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    open_timeout: Duration,

    /// Within how many seconds the crowd comes: less than a handshake has.
    #[arg(long, value_name = "SECONDS", default_value = "8", value_parser = seconds)]
    over: Duration,

    /// How many seconds more a healthy client may take beside the crowd, at the 99th percentile.
    #[arg(long, value_name = "SECONDS", default_value = "0.005", value_parser = seconds)]
    slack: Duration,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Verdicts, Box<dyn Error>> {
    let Arguments {
        crowd,
        open_timeout,
        over,
        slack,
    } = arguments;
    client::make_room(crowd.connections)?;
    let server = ServerProcess::start(crowd.adapter, *open_timeout)?;
    let runtime = client::runtime()?;

    progress("healthy clients alone");
    let healthy = Healthy::start(server.port());
    // For about as long as beside the crowd.
    thread::sleep(*open_timeout);
    let alone = healthy.stop()?;

    progress(&format!("{} silent clients within {over:?}", crowd.size()));
    let healthy = Healthy::start(server.port());
    let before = server.cpu_time()?;
    let mut waiting = runtime.block_on(come(crowd.size(), *over, server.port()))?;
    let connected = server.wait_until(|there| there >= crowd.size(), BEYOND)?;
    progress("waiting until they are dropped");
    let lasted = runtime.block_on(async {
        let mut lasted = Vec::new();
        while let Ok(Some(ended)) = tokio::time::timeout(PATIENCE, waiting.join_next()).await {
            lasted.extend(ended.ok().and_then(Result::ok));
        }
        lasted
    });
    let spent = server.cpu_time()?.saturating_sub(before);
    let beside = healthy.stop()?;
    let left = server.wait_until(|there| there == 0, BEYOND)?;

    progress(&format!("alone: {alone}"));
    progress(&format!("beside the crowd: {beside}"));
    progress(&format!("meanwhile the server had {spent:.1?} of the processors"));
    let mut verdicts = Verdicts::default();
    verdicts.at_least("silent clients at a time", connected, crowd.size());
    verdicts.exactly("silent clients were dropped", lasted.len(), crowd.size());
    let first = lasted.iter().min().copied().unwrap_or_default();
    let last = lasted.iter().max().copied().unwrap_or_default();
    verdicts.at_least("none before its time", first, *open_timeout);
    verdicts.at_most("all at their time", last, *open_timeout + BEYOND);
    verdicts.exactly("healthy clients that were not served", beside.failed, 0);
    verdicts.at_most(
        "p99 of connect and echo beside the crowd",
        beside.p99,
        alone.p99 + *slack,
    );
    verdicts.exactly("descriptors left", left, 0);
    Ok(verdicts)
}

/// Has the crowd come evenly; gives how long each will have waited when it was dropped.
async fn come(size: usize, over: Duration, port: u16) -> io::Result<JoinSet<io::Result<Duration>>> {
    let mut waiting = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    let all_ticks = usize::try_from(over.as_micros() / TICK.as_micros()).unwrap_or(usize::MAX);
    let at_once = size.div_ceil(all_ticks.max(1));
    for number in 0..size {
        if number % at_once == 0 {
            ticks.tick().await;
        }
        let habit = if number % 2 == 0 {
            Habit::Silent
        } else {
            Habit::Slow
        };
        waiting.spawn(wait(Client::connect(port).await?, habit));
    }
    Ok(waiting)
}

/// What somebody does who does not shake hands.
#[derive(Clone, Copy, Debug)]
enum Habit {
    Silent,
    /// Says a byte of the request at a time.
    Slow,
}

/// Waits until the server has dropped the client; gives how long it had waited then.
async fn wait(mut client: Client, habit: Habit) -> io::Result<Duration> {
    match habit {
        Habit::Silent => client.end().await?,
        Habit::Slow => {
            for byte in REQUEST[0] {
                if let Ok(ended) = tokio::time::timeout(SLOWNESS, client.end()).await {
                    ended?;
                    break;
                }
                client.say(&[*byte]).await?;
            }
        }
    }
    Ok(client.age())
}
