//! What the server is made to do while one of its calls fails. Whatever a client is answered goes into the record.

use std::path::Path;
use std::time::Duration;

use base::hash_key::HashKey;
use base::ids::ShardIndex;
use testkit::history::Mark;
use tokio::time::sleep;

use crate::client::{Answer, Client, Start};
use crate::load::{Recorder, put, record_of};
use crate::random::Random;
use crate::server::{NotStarted, Server, Settings};

const SHARDS: i32 = 2;
/// Twelve of these fill the first journal file.
const LARGE_BYTES: usize = 400 << 10;
const LARGE_REQUESTS: u64 = 14;
/// Rewriting a small journal takes less.
const SEAL_TIME: Duration = Duration::from_millis(150);

/// Steps between the start of a server and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Create a stream, put, read; stop; start, put, stop.
    Begin,
    /// Split, merge, change retention.
    Reshard,
    /// Fill a journal, so that it is rewritten into a segment, and read that.
    Roll,
    /// Killed; the next start recovers.
    Recover,
}

pub(super) const SCRIPTS: [Script; 4] = [Script::Begin, Script::Reshard, Script::Roll, Script::Recover];

/// Runs a script on a directory of which one call will fail.
///
/// # Errors
/// When the server dies otherwise than by ending with an error, hangs, or does not start although nothing fails any more.
pub(super) async fn run(script: Script, data: &Path, recorder: &Recorder, seed: u64) -> Result<(), String> {
    let settings = Settings::new(data);
    let mut random = Random::new(seed);
    let server = start(&settings).await?;
    let client = Client::connect(&server);
    let done = first_life(script, &client, recorder, &mut random).await;
    check_hang(done)?;
    if script == Script::Recover {
        kill(server).await?
    } else {
        end(server).await?
    }
    let server = start(&settings).await?;
    let client = Client::connect(&server);
    check_hang(second_life(&client, recorder, &mut random).await)?;
    end(server).await
}

async fn first_life(script: Script, client: &Client, recorder: &Recorder, random: &mut Random) -> Answer<()> {
    // A step that fails is one that was not acknowledged; the next ones are tried all the same.
    let mut outcome = recorder.create(client, SHARDS).await;
    for _ in 0..3 {
        outcome = outcome.and(put(client, recorder, 2_000, random).await.map(drop));
    }
    match script {
        Script::Begin | Script::Recover => {}
        Script::Reshard => outcome = outcome.and(reshard(client, recorder, random).await),
        Script::Roll => {
            for _ in 0..LARGE_REQUESTS {
                outcome = outcome.and(put_large(client, recorder).await);
            }
            sleep(SEAL_TIME).await;
        }
    }
    outcome.and(read_all(client).await)
}

async fn second_life(client: &Client, recorder: &Recorder, random: &mut Random) -> Answer<()> {
    let created = recorder.create(client, SHARDS).await;
    let read = read_all(client).await;
    created.and(read).and(put(client, recorder, 2_000, random).await.map(drop))
}

async fn reshard(client: &Client, recorder: &Recorder, random: &mut Random) -> Answer<()> {
    let (first, second) = (ShardIndex(0), ShardIndex(1));
    let mut outcome = client.split(first, HashKey(1 << 126)).await;
    if outcome.is_ok() {
        recorder.lock().history.close(first);
    }
    outcome = outcome.and(put(client, recorder, 2_000, random).await.map(drop));
    let open: Vec<ShardIndex> =
        client.shards().await?.iter().filter(|shard| !shard.is_closed).map(|shard| shard.shard).collect();
    if let (Some(neighbour), true) = (open.iter().rfind(|shard| **shard > second), open.contains(&second)) {
        let merged = client.merge(*neighbour, second).await;
        if merged.is_ok() {
            let history = &mut recorder.lock().history;
            history.close(*neighbour);
            history.close(second);
        }
        outcome = outcome.and(merged);
    }
    let now = client.summary().await?.retention_period_hours;
    outcome = outcome.and(recorder.set_retention(client, 48, now).await);
    outcome.and(put(client, recorder, 2_000, random).await.map(drop))
}

async fn put_large(client: &Client, recorder: &Recorder) -> Answer<()> {
    recorder.put(client, vec![record_of(recorder.numbers(1), LARGE_BYTES)]).await.map(drop)
}

async fn read_all(client: &Client) -> Answer<()> {
    for shard in client.shards().await? {
        client.read(shard.shard, Start::Horizon).await?;
    }
    Ok(())
}

/// Starts the server. One call may fail, so the second try must succeed.
async fn start(settings: &Settings) -> Result<Server, String> {
    match Server::start(settings).await {
        Ok(server) => Ok(server),
        Err(refused) if refused.is_refusal() => {
            let again = |error: NotStarted| format!("after one failure at start ({refused}), again: {error}");
            Server::start(settings).await.map_err(again)
        }
        Err(died) => Err(died.to_string()),
    }
}

/// The server has ended by itself, or ends when it is asked to: with or without an error, but by no signal.
async fn end(server: Server) -> Result<(), String> {
    let (status, said) = server.finish().await?;
    if status.code().is_none() || crate::server::panicked(&said) {
        return Err(format!("the server ended with {status}: {}", crate::server::last_lines(&said)));
    }
    Ok(())
}

async fn kill(mut server: Server) -> Result<(), String> {
    match server.ended() {
        Some(_) => end(server).await,
        None => {
            server.kill().await;
            Ok(())
        }
    }
}

/// Any error may be answered, but not none at all.
fn check_hang(outcome: Answer<()>) -> Result<(), String> {
    match outcome {
        Err(error) if error.to_string().contains("no answer from") => Err(format!("a request hangs: {error}")),
        _ => Ok(()),
    }
}

/// Now, for everything that was recorded.
pub(super) fn now(recorder: &Recorder) -> Mark {
    recorder.lock().history.mark()
}
