//! What a server made of a damaged directory.

use std::path::Path;

use testkit::history::ReadRecord;

use super::base::Base;
use super::damage::{Class, Damage};
use crate::client::{Answer, Client, Start};
use crate::judge::{State, check_starts};
use crate::random::Random;
use crate::server::{NotStarted, Server, Settings, panicked};

/// How damage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// The server does not start and names the file.
    Refused,
    /// It starts; reading what is damaged is an error, everything else is intact.
    ReadFailed,
    /// Everything is intact.
    Harmless,
    /// Of a run that was killed, a part of the last window was taken for torn, as documented.
    LastWindow,
}

/// Starts the server on the directory twice: what the first start makes of the damage, the second must not make worse.
///
/// # Errors
/// When damage was neither detected nor harmless.
pub(super) async fn judge(base: &Base, damage: &Damage, dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    let first = judge_start(base, damage, dir, random, true).await?;
    if first == Verdict::Refused {
        return Ok(first);
    }
    match judge_start(base, damage, dir, random, false).await {
        Ok(Verdict::LastWindow) if first != Verdict::LastWindow => Err("the second start cut more off".to_owned()),
        Ok(_) => Ok(first),
        Err(message) => Err(format!("at the second start, after {first:?}: {message}")),
    }
}

async fn judge_start(
    base: &Base,
    damage: &Damage,
    dir: &Path,
    random: &mut Random,
    is_first: bool,
) -> Result<Verdict, String> {
    let mut settings = Settings::new(dir);
    settings.memory = Some("1MiB");
    let server = match Server::start(&settings).await {
        Ok(server) => server,
        Err(refused) => return judge_refusal(damage, &refused),
    };
    let client = Client::connect(&server);
    let judged = judge_served(base, damage, &client, random, is_first).await;
    let stopped = server.stop().await;
    let verdict = judged?;
    match stopped {
        Err(message) if panicked(&message) => Err(message),
        _ => Ok(verdict),
    }
}

fn judge_refusal(damage: &Damage, refused: &NotStarted) -> Result<Verdict, String> {
    let name = match damage.class {
        // The log belongs to the catalog, and a wrong key is only noticed by what it does not open.
        Class::CatalogLog => "catalog.db".into(),
        Class::RootKey => "root key".into(),
        _ => damage.file.file_name().unwrap_or_default().to_string_lossy(),
    };
    if refused.is_refusal() && refused.said.contains(&*name) {
        return Ok(Verdict::Refused);
    }
    Err(format!("no refusal that names {name}: {refused}"))
}

async fn judge_served(
    base: &Base,
    damage: &Damage,
    client: &Client,
    random: &mut Random,
    is_first: bool,
) -> Result<Verdict, String> {
    // Any answer but the right one must be an error.
    let summary = client.summary().await.map_err(|error| format!("the stream cannot be described: {error}"))?;
    if summary != base.summary {
        let (shards, hours) = (summary.open_shard_count, summary.retention_period_hours);
        return Err(format!("the stream is described with {shards} open shards and {hours} hours of retention"));
    }
    let shards = client.shards().await.map_err(|error| format!("the shards cannot be listed: {error}"))?;
    if shards != base.state.shards {
        return Err(format!("{} shards are listed, not {}", shards.len(), base.state.shards.len()));
    }
    if is_first && matches!(damage.class, Class::Catalog | Class::CatalogLog) {
        check_new_stream(client).await?;
    }
    let mut reads = Vec::new();
    for shard in &shards {
        reads.push(client.read(shard.shard, Start::Horizon).await);
    }
    let verdict = compare(base, &reads)?;
    let failed = reads.iter().filter(|read| read.is_err()).count();
    if verdict == Verdict::ReadFailed && damage.class == Class::Segment && failed > 1 {
        return Err(format!("one place of a segment is damaged, and {failed} shards cannot be read"));
    }
    if verdict == Verdict::Harmless {
        check_starts(client, &base.state, random).await?;
    }
    Ok(verdict)
}

/// What a new stream is given must be its own: nothing is in it, and nothing is where it puts.
async fn check_new_stream(client: &Client) -> Result<(), String> {
    let found = client.use_other_stream().await.map_err(|error| format!("a new stream cannot be used: {error}"))?;
    if found == 1 { Ok(()) } else { Err(format!("a new stream with one record holds {found}")) }
}

/// Compares whole shards with what is in them.
fn compare(base: &Base, reads: &[Answer<Vec<ReadRecord>>]) -> Result<Verdict, String> {
    let mut verdict = Verdict::Harmless;
    let mut state = base.state.clone();
    for (expected, read) in state.reads.iter_mut().zip(reads) {
        match read {
            Err(_) => verdict = Verdict::ReadFailed,
            Ok(records) if records == expected => {}
            Ok(records) => {
                verdict = Verdict::LastWindow;
                expected.clone_from(records);
            }
        }
    }
    if verdict == Verdict::LastWindow {
        let Some(window) = base.window else { return Err(lost(base, &state)) };
        let failed = |message| format!("more than the last window is gone: {message}");
        state.check(&mut base.record.clone(), window).map_err(failed)?;
    }
    Ok(verdict)
}

fn lost(base: &Base, state: &State) -> String {
    let differing = base.state.reads.iter().zip(&state.reads).filter(|(expected, read)| expected != read);
    let counts: Vec<String> =
        differing.map(|(expected, read)| format!("{} of {} records", read.len(), expected.len())).collect();
    format!("shards were served without an error and hold {}", counts.join(", "))
}
