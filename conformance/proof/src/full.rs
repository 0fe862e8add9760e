//! A full disk of 64 MB. Puts are refused and reads go on; after a restart on the full disk too. When space returns, puts go on
//! without a restart, and nothing that was acknowledged is missing.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::client::Client;
use crate::device::Mounted;
use crate::judge::judge;
use crate::load::{Load, Plan, Recorder, put, record_of};
use crate::random::Random;
use crate::report::{Options, Report};
use crate::server::{Server, Settings, last_lines, panicked};

const DEVICE_BYTES: usize = 64 << 20;
const SHARDS: i32 = 2;
/// What others keep on the disk: little enough for the server to start and make two journals.
const BALLAST_BYTES: std::ops::Range<u64> = 4 << 20..24 << 20;
/// The disk is filled by records of these sizes, each until so many requests in a row are refused.
const RECORD_BYTES: [usize; 3] = [900_000, 60_000, 300];
const REFUSED_IN_A_ROW: u64 = 10;
const FULL_WAIT: Duration = Duration::from_secs(60);
const RECOVERY_WAIT: Duration = Duration::from_secs(20);

const PLAN: Plan =
    Plan { writers: 2, readers: 1, changes: true, pause: Duration::from_millis(10), record_bytes_max: 2000 };

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let (mut acknowledged, mut restarts) = (0, 0);
    for seed in options.seed..options.seed + options.count {
        let mut random = Random::new(seed);
        let restart = random.chance(60);
        let done = run_trial(&mut random, restart).await;
        acknowledged += done.map_err(|message| format!("seed {seed}: {message}"))?;
        restarts += u64::from(restart);
        println!("{} of {} trials", seed - options.seed + 1, options.count);
    }
    Ok(Report::passed(
        options.count,
        format!(
            "0 lost of {acknowledged} acknowledged records; reads went on, puts recovered without a restart; {restarts} restarts \
             on the full disk"
        ),
    ))
}

async fn run_trial(random: &mut Random, restart: bool) -> Result<usize, String> {
    let mounted = Mounted::format(DEVICE_BYTES).await?;
    let outcome = run_on(mounted.path(), random, restart).await;
    mounted.close().await;
    outcome
}

async fn run_on(disk: &Path, random: &mut Random, restart: bool) -> Result<usize, String> {
    let ballast = disk.join("ballast");
    fill(&ballast, random.between(BALLAST_BYTES.start, BALLAST_BYTES.end)).map_err(|error| error.to_string())?;
    let settings = Settings::new(disk.join("data"));
    let start = || async { Server::start(&settings).await.map_err(|error| error.to_string()) };
    let recorder = Recorder::new();
    let mut server = start().await?;
    let mut client = Client::connect(&server);
    recorder.create(&client, SHARDS).await.map_err(|error| error.to_string())?;
    fill_up(&client, &recorder, random).await?;
    look(&client, &recorder, random).await.map_err(|message| format!("on the full disk: {message}"))?;
    if restart {
        // What is left may be less than a journal file, and nothing at all.
        use_up(&disk.join("rest"));
        end(server, random).await?;
        server = start().await.map_err(|message| format!("on the full disk: {message}"))?;
        client = Client::connect(&server);
        look(&client, &recorder, random).await.map_err(|message| format!("after a restart on it: {message}"))?;
        let _ = fs::remove_file(disk.join("rest"));
    }
    fs::remove_file(&ballast).map_err(|error| error.to_string())?;
    wait_for_room(&client, &recorder, random).await?;
    look(&client, &recorder, random).await.map_err(|message| format!("after space has returned: {message}"))?;
    end(server, random).await?;
    let server = start().await.map_err(|message| format!("after space has returned: {message}"))?;
    let acknowledged = look(&Client::connect(&server), &recorder, random).await?;
    server.stop().await?;
    Ok(acknowledged)
}

fn fill(path: &PathBuf, bytes: u64) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let piece = vec![1; 1 << 20];
    for _ in 0..bytes >> 20 {
        file.write_all(&piece)?;
    }
    file.sync_all()
}

/// Takes the space that is left, to the last byte.
fn use_up(path: &PathBuf) {
    let Ok(mut file) = File::create(path) else { return };
    for bytes in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![1; bytes]).is_ok() {}
    }
    // An error says no more than that the disk is full.
    let _ = file.sync_all();
}

/// Loads the server until it refuses everything.
async fn fill_up(client: &Client, recorder: &Recorder, random: &mut Random) -> Result<(), String> {
    let load = Load::start(client, recorder, PLAN, random.next());
    let started = Instant::now();
    for bytes in RECORD_BYTES {
        let mut refused = 0;
        while refused < REFUSED_IN_A_ROW && started.elapsed() < FULL_WAIT {
            let number = recorder.numbers(1);
            let put = recorder.put(client, vec![record_of(number, bytes)]).await;
            refused = if matches!(put, Ok(1..)) { 0 } else { refused + 1 };
        }
    }
    load.stop().await;
    if started.elapsed() < FULL_WAIT { Ok(()) } else { Err("the disk does not become full".to_owned()) }
}

/// Puts go on when there is room, without a restart.
async fn wait_for_room(client: &Client, recorder: &Recorder, random: &mut Random) -> Result<(), String> {
    let started = Instant::now();
    loop {
        let put = put(client, recorder, PLAN.record_bytes_max, random).await;
        if matches!(put, Ok(1..)) {
            return Ok(());
        }
        if started.elapsed() > RECOVERY_WAIT {
            return Err(format!("there is room again, and puts are refused: {put:?}"));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// By a kill or in order.
async fn end(server: Server, random: &mut Random) -> Result<(), String> {
    let said = if random.chance(50) { server.kill().await } else { server.finish().await?.1 };
    if panicked(&said) { Err(format!("the server panicked: {}", last_lines(&said))) } else { Ok(()) }
}

async fn look(client: &Client, recorder: &Recorder, random: &mut Random) -> Result<usize, String> {
    let mut record = recorder.lock().clone();
    let mark = record.history.mark();
    Ok(judge(client, &mut record, mark, random).await?.acknowledged)
}
