use std::error::Error;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Crowd;
use crate::client::{self, Client, REQUEST};
use crate::process::ServerProcess;
use crate::progress;
use crate::verdicts::Verdicts;

/// What the server itself has at most: streams, listeners, what wakes it.
const OWN: usize = 24;

/// How many connect who find no room at first.
const BEYOND: usize = 50;

/// How long the exhaustion is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The part of that which the server may use of a processor, in a hundred.
const SHARE: u32 = 10;

/// How long an answer is waited for that is to come, and one that is not.
const PATIENCE: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    crowd: Crowd,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Verdicts, Box<dyn Error>> {
    let Arguments { crowd } = arguments;
    let limit = crowd.size() + OWN;
    let server = ServerProcess::start_with(limit, crowd.adapter)?;
    let runtime = client::runtime()?;
    let mut verdicts = Verdicts::default();

    progress(&format!(
        "a server with {limit} descriptors, and {} clients",
        limit + BEYOND
    ));
    let connect = client::crowd(limit + BEYOND, server.port(), async |client| Ok(client));
    let clients = runtime.block_on(connect)?;
    server.wait_until(|there| there >= crowd.size(), PATIENCE)?;
    let connected = server.wait_full()?;
    verdicts.at_least("connections up to the limit", connected, crowd.size());

    progress("all shake hands");
    let (mut inside, mut outside) = runtime.block_on(shake_hands(clients));
    verdicts.exactly(
        "connections that were opened at the limit",
        inside.len(),
        connected,
    );

    progress(&format!("{LOOK:?} at the limit"));
    let before = server.cpu_time()?;
    thread::sleep(LOOK);
    let spent = server.cpu_time()?.saturating_sub(before);
    verdicts.at_most("time of a processor meanwhile", spent, LOOK * SHARE / 100);
    let echoed = runtime.block_on(echo(&mut inside));
    verdicts.exactly("connections that are echoed still", echoed, inside.len());

    progress(&format!("{} go, for whom as many come", outside.len()));
    let start = Instant::now();
    let came = runtime.block_on(async {
        for gone in inside.drain(..outside.len().min(inside.len())) {
            gone.leave().await?;
        }
        let mut came = 0;
        for client in &mut outside {
            came += usize::from(matches!(timeout(PATIENCE, answer(client)).await, Ok(Ok(()))));
        }
        io::Result::Ok(came)
    })?;
    verdicts.exactly("connections that came into their places", came, outside.len());
    verdicts.at_most("time for that", start.elapsed(), PATIENCE);
    Ok(verdicts)
}

/// Gives those who are answered, and those who have asked and are not.
async fn shake_hands(clients: Vec<Client>) -> (Vec<Client>, Vec<Client>) {
    let mut asking: JoinSet<_> = clients
        .into_iter()
        .map(async |mut client| {
            client.say(&REQUEST.concat()).await?;
            let answered = timeout(MOMENT, answer(&mut client)).await;
            // Who is turned away is neither served nor waits.
            io::Result::Ok(match answered {
                Ok(answered) => (Some(answered.map(|()| client)?), None),
                Err(_) => (None, Some(client)),
            })
        })
        .collect();
    let mut served = Vec::new();
    let mut waiting = Vec::new();
    while let Some(asked) = asking.join_next().await {
        if let Ok(Ok((answered, waits))) = asked {
            served.extend(answered);
            waiting.extend(waits);
        }
    }
    (served, waiting)
}

/// Waits until a request is answered, then has a message echoed.
async fn answer(client: &mut Client) -> io::Result<()> {
    client.accepted().await?;
    client.echo().await
}

/// Counts those who have a message echoed.
async fn echo(clients: &mut [Client]) -> usize {
    let mut count = 0;
    for client in clients {
        count += usize::from(matches!(timeout(PATIENCE, client.echo()).await, Ok(Ok(()))));
    }
    count
}
