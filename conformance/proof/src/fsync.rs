//! EIO once, on a flush. Every second trial fails one flush of a journal: nothing that is put after it may be acknowledged
//! until a restart, and reads go on. The others fail a flush of the whole device, which loses a part of what was written since the
//! one before: nothing that was acknowledged, before or after, may be missing from what is left. The device tells only the
//! thread that asked for the flush, so an answer of another thread may overtake the news: what was acknowledged in that
//! moment counts as unanswered.

use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::client::Client;
use crate::device::Mounted;
use crate::faulty::{Call, Failure, Fault, Faulty};
use crate::judge::{judge, judge_image, judge_now};
use crate::load::{Load, Plan, Recorder, put};
use crate::random::Random;
use crate::report::{Options, Report};
use crate::server::{Server, Settings, last_lines, panicked};

const DEVICE_BYTES: usize = 192 << 20;
const SHARDS: i32 = 2;
/// The failure comes within so many flushes.
const FLUSHES_MAX: u64 = 40;
const FAILURE_WAIT: Duration = Duration::from_secs(10);
/// How long the news may take on a busy machine.
const NEWS: Duration = Duration::from_millis(20);
/// The load goes on after the failure.
const LOAD_AFTER: Duration = Duration::from_millis(200);

const PLAN: Plan =
    Plan { writers: 4, readers: 1, changes: true, pause: Duration::from_millis(2), record_bytes_max: 4096 };

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let (mut acknowledged, mut doubtful, mut files) = (0, 0, 0);
    for seed in options.seed..options.seed + options.count {
        let mut random = Random::new(seed);
        let on_file = seed % 2 == 0;
        let failed = |what: &str, message| format!("seed {seed}, a flush of {what} fails: {message}");
        if on_file {
            acknowledged += fail_file(&mut random).await.map_err(|message| failed("a journal", message))?;
            files += 1;
        } else {
            let (kept, in_doubt) = fail_device(&mut random).await.map_err(|message| failed("the device", message))?;
            acknowledged += kept;
            doubtful += in_doubt;
        }
    }
    let devices = options.count - files;
    Ok(Report::passed(
        options.count,
        format!(
            "0 acknowledged after a failed flush of a journal in {files} trials; 0 of {acknowledged} acknowledged records lost, \
             in these and in {devices} where the device failed; {doubtful} that were acknowledged within {} ms of that are not counted",
            NEWS.as_millis()
        ),
    ))
}

/// One flush of a journal fails; how many records had been acknowledged.
async fn fail_file(random: &mut Random) -> Result<usize, String> {
    let faulty = spawn_blocking(Faulty::mount).await.expect("mounting does not panic");
    let faulty = faulty.map_err(|error| format!("the folder cannot be mounted: {error}"))?;
    let outcome = fail_file_of(&faulty, random).await;
    spawn_blocking(move || drop(faulty)).await.expect("unmounting does not panic");
    outcome
}

async fn fail_file_of(faulty: &Faulty, random: &mut Random) -> Result<usize, String> {
    let recorder = Recorder::new();
    let server = start(faulty.path()).await?;
    let client = Client::connect(&server);
    recorder.create(&client, SHARDS).await.map_err(|error| error.to_string())?;
    let load = Load::start(&client, &recorder, PLAN, random.next());
    sleep(Duration::from_millis(random.between(20, 200))).await;
    let nth = random.between(1, FLUSHES_MAX);
    faulty.set(Some(Fault { failure: Failure::Device, nth, call: Some(Call::Flush), ending: ".journal" }));
    wait_until(|| faulty.struck().is_some()).await?;
    let failed = recorder.lock().history.mark();
    sleep(LOAD_AFTER).await;
    load.stop().await;
    let after = recorder.lock().history.acknowledged_since(failed);
    if after > 0 {
        return Err(format!("{after} records were put after it and acknowledged"));
    }
    if client.is_ready().await != Some(false) {
        return Err("the server says that it is ready".to_owned());
    }
    let mut record = recorder.lock().clone();
    let mark = record.history.mark();
    let read = judge_now(&client, &mut record, mark, random).await;
    read.map_err(|message| format!("before the restart: {message}"))?;
    let said = if random.chance(50) { server.kill().await } else { server.finish().await?.1 };
    if panicked(&said) {
        return Err(format!("the server panicked: {}", last_lines(&said)));
    }
    let server = start(faulty.below()).await?;
    let client = Client::connect(&server);
    let acknowledged = judge(&client, &mut record, mark, random).await?.acknowledged;
    let put = put(&client, &recorder, PLAN.record_bytes_max, random).await;
    if !matches!(put, Ok(1..)) {
        return Err(format!("after the restart nothing can be put: {put:?}"));
    }
    server.stop().await?;
    Ok(acknowledged)
}

/// A flush of the device fails; how many records had been acknowledged, and how many in the moment of the failure.
async fn fail_device(random: &mut Random) -> Result<(usize, usize), String> {
    let mounted = Mounted::format(DEVICE_BYTES).await?;
    let recorder = Recorder::new();
    let server = start(mounted.path()).await?;
    let client = Client::connect(&server);
    recorder.create(&client, SHARDS).await.map_err(|error| error.to_string())?;
    let load = Load::start(&client, &recorder, PLAN, random.next());
    sleep(Duration::from_millis(random.between(20, 200))).await;
    mounted.device().fail_flush(random.between(1, FLUSHES_MAX), Random::new(random.next()));
    let mut before = recorder.lock().history.mark();
    wait_until(|| {
        let now = recorder.lock().history.mark();
        let has_failed = mounted.device().has_failed();
        if !has_failed {
            before = now;
        }
        has_failed
    })
    .await?;
    sleep(NEWS).await;
    let known = recorder.lock().history.mark();
    sleep(LOAD_AFTER).await;
    load.stop().await;
    let said = server.kill().await;
    if panicked(&said) {
        return Err(format!("the server panicked: {}", last_lines(&said)));
    }
    let image = mounted.device().crash(random.below(100), random);
    mounted.close().await;
    let mut record = recorder.lock().clone();
    let doubtful = record.doubt(before, known);
    let mark = record.history.mark();
    let judged = judge_image(image, "sync", &mut record, mark, random).await;
    let judged = judged.map_err(|message| format!("{message}\nBefore, the server said:\n{}", last_lines(&said)))?;
    Ok((judged.acknowledged, doubtful))
}

async fn start(folder: &std::path::Path) -> Result<Server, String> {
    Server::start(&Settings::new(folder.join("data"))).await.map_err(|error| error.to_string())
}

async fn wait_until(mut is_so: impl FnMut() -> bool) -> Result<(), String> {
    let started = Instant::now();
    while !is_so() {
        if started.elapsed() > FAILURE_WAIT {
            return Err("no flush came that could fail".to_owned());
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
