//! kill -9 under load, round after round, with resharding and changes of the retention. After every round the server is started
//! again; the history of all rounds of a data directory is checked every few rounds and at the end.

use std::time::Duration;

use tokio::time::sleep;

use crate::client::Client;
use crate::judge::judge;
use crate::load::{Load, Plan, Recorder};
use crate::random::Random;
use crate::report::{Options, Report};
use crate::server::{Server, Settings, panicked};

/// Rounds on one data directory: its history grows with each.
const ROUNDS_PER_DIRECTORY: u64 = 40;
/// Rounds between two checks of everything.
const CHECK_EVERY: u64 = 5;
const SHARDS: i32 = 2;

const PLAN: Plan =
    Plan { writers: 8, readers: 4, changes: true, pause: Duration::from_millis(2), record_bytes_max: 2000 };
/// In some rounds records are so large that journals fill up and are rewritten under the load.
const LARGE_RECORD_BYTES_MAX: usize = 100_000;
const LARGE_ROUNDS_PERCENT: u64 = 20;

/// What a run has looked at.
#[derive(Default)]
struct Seen {
    acknowledged: usize,
    unknown_stored: usize,
    changes: u64,
}

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let mut seen = Seen::default();
    let mut round = 0;
    while round < options.count {
        let rounds = ROUNDS_PER_DIRECTORY.min(options.count - round);
        run_directory(options.seed + round, rounds, &mut seen).await?;
        round += rounds;
        println!("{round} of {} rounds, {} records", options.count, seen.acknowledged);
    }
    let Seen { acknowledged, unknown_stored, changes } = seen;
    Ok(Report::passed(
        options.count,
        format!(
            "0 lost of {acknowledged} acknowledged records; {unknown_stored} without an answer were stored once; \
             {changes} changes of shards and retention"
        ),
    ))
}

async fn run_directory(seed: u64, rounds: u64, seen: &mut Seen) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let recorder = Recorder::new();
    let mut settings = Settings::new(folder.path().join("data"));
    let mut server = start(&settings).await?;
    recorder.create(&Client::connect(&server), SHARDS).await.map_err(|error| error.to_string())?;
    for round in 1..=rounds {
        let mut random = Random::new(seed + round - 1);
        settings.memory = Some(if random.chance(50) { "1MiB" } else { "256MiB" });
        let said = load_and_kill(server, &recorder, &mut random).await;
        let failed = |message: String| format!("seed {}: {message}", seed + round - 1);
        if panicked(&said) {
            return Err(failed(format!("the server panicked:\n{said}")));
        }
        server = start(&settings).await.map_err(failed)?;
        if !round.is_multiple_of(CHECK_EVERY) && round != rounds {
            continue;
        }
        // Nobody else has the record now, and nothing is put meanwhile.
        let mut record = recorder.lock().clone();
        let mark = record.history.mark();
        let client = Client::connect(&server);
        let summary = judge(&client, &mut record, mark, &mut random).await.map_err(failed)?;
        if round == rounds {
            seen.acknowledged += summary.acknowledged;
            seen.unknown_stored += summary.unknown_stored;
        }
    }
    seen.changes += recorder.changes();
    server.stop().await
}

async fn start(settings: &Settings) -> Result<Server, String> {
    Server::start(settings).await.map_err(|error| error.to_string())
}

/// Loads the server for a while and kills it under the load; what it said.
async fn load_and_kill(server: Server, recorder: &Recorder, random: &mut Random) -> String {
    let client = Client::connect(&server);
    let large = random.chance(LARGE_ROUNDS_PERCENT);
    let plan = if large { Plan { record_bytes_max: LARGE_RECORD_BYTES_MAX, ..PLAN } } else { PLAN };
    let load = Load::start(&client, recorder, plan, random.next());
    sleep(Duration::from_millis(random.between(40, 500))).await;
    let said = server.kill().await;
    load.stop().await;
    said
}
