use std::error::Error;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Crowd;
use crate::client::{self, Client, REQUEST};
use crate::process::{Holdings, ServerProcess};
use crate::verdicts::Verdicts;
use crate::{progress, seconds};

/// One client in so many is dead, where nothing else is said.
const DEAD: usize = 10;
/// One of the dead in so many has asked for more than it takes.
const FLOODED: usize = 20;
/// For so many clients, one is still in its handshake.
const OPENING: usize = 100;

/// What a shutdown may take beyond its deadline.
const BEYOND: Duration = Duration::from_secs(1);

/// How long aborted threads may take to be gone: they are on their way, ten thousand on a few cores.
const LAST: Duration = Duration::from_secs(5);
/// How often they are counted.
const LOOK: Duration = Duration::from_millis(100);

/// How long those who wait for a client may take to see what the server did.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    crowd: Crowd,

    /// How many of the connections are dead, one at least; one in ten where nothing is said.
    #[arg(long, value_name = "N")]
    dead: Option<usize>,

    /// The deadline of the shutdown, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    deadline: Duration,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Verdicts, Box<dyn Error>> {
    let Arguments {
        crowd,
        dead,
        deadline,
    } = arguments;
    let mut server = ServerProcess::start(crowd.adapter, Duration::from_secs(60))?;
    let runtime = client::runtime()?;
    let dead_count = dead.unwrap_or(crowd.size() / DEAD).clamp(1, crowd.size());
    let live_count = crowd.size() - dead_count;

    progress(&format!("{live_count} live clients, {dead_count} dead ones"));
    let opening = (crowd.size() / OPENING).max(1);
    let (live, dead, opening) = runtime.block_on(async {
        let live = client::crowd(live_count, server.port(), client::greet).await?;
        let mut dead = client::crowd(dead_count, server.port(), client::greet).await?;
        for flooded in dead.iter_mut().step_by(FLOODED) {
            flooded.ask_for_flood().await?;
        }
        let opening = client::crowd(opening, server.port(), begin).await?;
        io::Result::Ok((live, dead, opening))
    })?;
    let expected = crowd.size() + opening.len();
    let connected = server.wait_until(|there| there == expected, PATIENCE)?;

    progress(&format!("shutting down within {deadline:?}"));
    let opening_count = opening.len();
    server.stop(*deadline)?;
    // Only these look at their sockets from here on.
    let (closed, refused) = runtime.block_on(async {
        let mut closing = gather(live, async |mut client| client.wait_closed().await);
        let mut refusing = gather(opening, async |mut client| {
            let status = client.status().await?;
            client.end().await?;
            Ok(status)
        });
        (count(&mut closing, 1001).await, count(&mut refusing, 503).await)
    });
    let ended = server.ended()?;
    let left = left_behind(&server)?;
    drop(dead);

    let mut verdicts = Verdicts::default();
    verdicts.exactly("descriptors in use before", connected, expected);
    verdicts.at_least(
        "the shutdown waits for the dead up to its deadline",
        ended.took,
        *deadline,
    );
    verdicts.at_most("the shutdown ends a second later", ended.took, *deadline + BEYOND);
    verdicts.exactly("live clients were closed with 1001", closed, live_count);
    verdicts.exactly(
        "handshakes in progress were refused with 503",
        refused,
        opening_count,
    );
    verdicts.exactly("connections counted as finished", ended.finished, live_count);
    verdicts.exactly("connections counted as aborted", ended.aborted, dead_count);
    verdicts.exactly("tasks left", ended.tasks, 0);
    verdicts.exactly("descriptors left", left.descriptors, 0);
    verdicts.exactly("threads left", left.threads, 0);
    Ok(verdicts)
}

/// Begins a handshake.
async fn begin(mut client: Client) -> io::Result<Client> {
    client.say(REQUEST[0]).await?;
    Ok(client)
}

fn gather<Doing>(clients: Vec<Client>, act: impl Fn(Client) -> Doing) -> JoinSet<io::Result<u16>>
where
    Doing: Future<Output = io::Result<u16>> + Send + 'static,
{
    clients.into_iter().map(act).collect()
}

/// Counts those who were told this.
async fn count(told: &mut JoinSet<io::Result<u16>>, code: u16) -> usize {
    let mut count = 0;
    while let Ok(Some(told)) = tokio::time::timeout(PATIENCE, told.join_next()).await {
        count += usize::from(matches!(told, Ok(Ok(told)) if told == code));
    }
    count
}

/// What the server has beyond what it had when nobody was connected.
fn left_behind(server: &ServerProcess) -> io::Result<Holdings> {
    let at_rest = server.at_rest();
    let end = Instant::now() + LAST;
    loop {
        let now = server.holdings()?;
        let left = Holdings {
            descriptors: now.descriptors.saturating_sub(at_rest.descriptors),
            threads: now.threads.saturating_sub(at_rest.threads),
        };
        if (left.descriptors, left.threads) == (0, 0) || Instant::now() > end {
            return Ok(left);
        }
        thread::sleep(LOOK);
    }
}
