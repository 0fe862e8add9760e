//! The device answers nothing for 5 s. Records in memory are read meanwhile; power that is lost meanwhile takes nothing that was
//! acknowledged; afterwards puts go on.

use std::time::Duration;

use base::ids::ShardIndex;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::client::{Client, Start};
use crate::device::Mounted;
use crate::judge::{judge, judge_image};
use crate::load::{Load, Plan, Recorder, put};
use crate::random::Random;
use crate::report::Options;
use crate::server::{Server, Settings};

const DEVICE_BYTES: usize = 192 << 20;
const STALL: Duration = Duration::from_secs(5);
/// A read from memory is given this long; far less than the stall.
const READ_MAX: Duration = Duration::from_secs(3);
/// Trials mostly wait.
const TRIALS_AT_ONCE: usize = 4;

const PLAN: Plan =
    Plan { writers: 4, readers: 1, changes: false, pause: Duration::from_millis(3), record_bytes_max: 4096 };

/// How many stalls there were, and how many records had been acknowledged.
pub(super) async fn run(options: &Options) -> Result<(u64, usize), String> {
    let mut running = JoinSet::new();
    let mut acknowledged = 0;
    for seed in options.seed..options.seed + options.count {
        if running.len() >= TRIALS_AT_ONCE {
            acknowledged += collect(&mut running).await?;
        }
        running
            .spawn(async move { run_trial(seed).await.map_err(|message| format!("seed {seed}, a stall: {message}")) });
    }
    while !running.is_empty() {
        acknowledged += collect(&mut running).await?;
    }
    Ok((options.count, acknowledged))
}

async fn collect(running: &mut JoinSet<Result<usize, String>>) -> Result<usize, String> {
    running.join_next().await.map_or(Ok(0), |done| done.expect("no trial panics"))
}

async fn run_trial(seed: u64) -> Result<usize, String> {
    let mut random = Random::new(seed);
    let mounted = Mounted::format(DEVICE_BYTES).await?;
    let recorder = Recorder::new();
    let server = Server::start(&Settings::new(mounted.path().join("data"))).await.map_err(|error| error.to_string())?;
    let client = Client::connect(&server);
    recorder.create(&client, 2).await.map_err(|error| error.to_string())?;
    let load = Load::start(&client, &recorder, PLAN, random.next());
    sleep(Duration::from_millis(random.between(50, 400))).await;

    mounted.device().stall(STALL);
    sleep(Duration::from_millis(random.between(100, 1000))).await;
    let mark = recorder.lock().history.mark();
    let image = mounted.device().crash(random.below(100), &mut random);
    let mut record = recorder.lock().clone();
    let read = timeout(READ_MAX, client.read(ShardIndex(0), Start::Horizon)).await;
    match read {
        Ok(Ok(records)) if !records.is_empty() => {}
        Ok(Ok(_)) => return Err("nothing was put before it".to_owned()),
        Ok(Err(error)) => return Err(format!("records in memory cannot be read: {error}")),
        Err(_) => return Err("records in memory are not read while it lasts".to_owned()),
    }
    sleep(STALL).await;
    load.stop().await;
    let put = put(&client, &recorder, 1000, &mut random).await;
    if !matches!(put, Ok(1..)) {
        return Err(format!("puts do not go on: {put:?}"));
    }
    let mut whole = recorder.lock().clone();
    let end = whole.history.mark();
    let summary = judge(&client, &mut whole, end, &mut random).await?;
    server.stop().await?;
    mounted.close().await;
    judge_image(image, "sync", &mut record, mark, &mut random)
        .await
        .map_err(|message| format!("power lost during it: {message}"))?;
    Ok(summary.acknowledged)
}
