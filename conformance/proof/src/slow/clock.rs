//! Clocks that are wrong: steps of a second, an hour and a day, forth and back, and a clock that runs ten times as fast.
//! libfaketime gives the real binary a clock that a file sets.

use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use crate::client::Client;
use crate::judge::judge;
use crate::load::{Load, Plan, Recorder};
use crate::random::Random;
use crate::report::Options;
use crate::server::{Server, Settings};

/// Debian's package `libfaketime` puts it here.
pub(super) const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// Offsets to the true time, as the library reads them.
const STEPS: [&str; 8] = ["+0", "+1s", "-1s", "+1h", "-1h", "+1d", "-1d", "+0 x10"];
const LAST_STEP: &str = "+2d";
const STEPS_PER_TRIAL: u64 = 6;
/// So long that nothing is past it on any of these clocks.
const RETENTION_HOURS: i32 = 8760;

const PLAN: Plan =
    Plan { writers: 4, readers: 1, changes: false, pause: Duration::from_millis(3), record_bytes_max: 1000 };

/// How many steps there were, and how many records had been acknowledged; `None` without the library.
pub(super) async fn run(options: &Options) -> Result<Option<(u64, usize)>, String> {
    if !Path::new(LIBRARY).exists() {
        return Ok(None);
    }
    let mut acknowledged = 0;
    for seed in options.seed..options.seed + options.count {
        let done = run_trial(seed).await;
        acknowledged += done.map_err(|message| format!("seed {seed}, steps of the clock: {message}"))?;
    }
    Ok(Some((options.count * STEPS_PER_TRIAL, acknowledged)))
}

async fn run_trial(seed: u64) -> Result<usize, String> {
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let clock = folder.path().join("clock");
    let set = |offset: &str| std::fs::write(&clock, offset).expect("the clock can be set");
    let mut settings = Settings::new(folder.path().join("data"));
    settings.environment = [
        ("LD_PRELOAD", LIBRARY),
        ("FAKETIME_TIMESTAMP_FILE", &clock.to_string_lossy()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    set("+0");
    let recorder = Recorder::new();
    let mut server = start(&settings).await?;
    let client = Client::connect(&server);
    recorder.create(&client, 2).await.map_err(|error| error.to_string())?;
    let retained = recorder.set_retention(&client, RETENTION_HOURS, crate::load::RETENTION_DEFAULT).await;
    retained.map_err(|error| error.to_string())?;
    let mut steps = String::new();
    for _ in 0..STEPS_PER_TRIAL {
        let client = Client::connect(&server);
        let load = Load::start(&client, &recorder, PLAN, random.next());
        sleep(Duration::from_millis(60)).await;
        let step = STEPS[random.index(STEPS.len())];
        steps.push_str(step);
        steps.push(' ');
        set(step);
        sleep(Duration::from_millis(120)).await;
        if random.chance(40) {
            server.kill().await;
            load.stop().await;
            steps.push_str("kill ");
            server = start(&settings).await.map_err(|message| format!("after {steps}: {message}"))?;
        } else {
            load.stop().await;
        }
    }
    // Nobody may ask for records of the future, so the clock is set to the end of all.
    set(LAST_STEP);
    let mut record = recorder.lock().clone();
    let mark = record.history.mark();
    let judged = judge(&Client::connect(&server), &mut record, mark, &mut random).await;
    server.stop().await?;
    judged.map(|summary| summary.acknowledged).map_err(|message| format!("after {steps}: {message}"))
}

async fn start(settings: &Settings) -> Result<Server, String> {
    Server::start(settings).await.map_err(|error| error.to_string())
}
