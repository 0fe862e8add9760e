//! A data directory with everything in it that can be damaged: segments, journals of several runs, a manifest, a catalog with
//! and without its write-ahead log. And what a server on it must serve.

use std::path::Path;
use std::time::Duration;

use api::kinesis::StreamDescriptionSummary;
use tempfile::TempDir;
use testkit::history::Mark;
use tokio::time::sleep;

use super::damage::{Class, Target};
use super::files;
use crate::client::{Answer, Client};
use crate::judge::State;
use crate::load::{Load, Plan, Record, Recorder, put};
use crate::random::Random;
use crate::server::{Server, Settings};

const SHARDS: i32 = 3;
/// Frames that may be unfinished at a kill; see docs/format/journal.md.
const IN_FLIGHT_FRAMES: u64 = 4;
/// Requests one after the other at the end, each a frame of its own.
const LAST_REQUESTS: u64 = 12;
/// In the last bytes of a segment: the length of its footer, and eight bytes more.
const SEGMENT_END_BYTES: usize = 12;

const HEAVY: Plan =
    Plan { writers: 6, readers: 0, changes: true, pause: Duration::from_millis(1), record_bytes_max: 24_000 };
const LIGHT: Plan = Plan { writers: 2, changes: false, record_bytes_max: 500, ..HEAVY };

pub(super) struct Base {
    folder: TempDir,
    pub targets: Vec<Target>,
    pub state: State,
    pub summary: StreamDescriptionSummary,
    pub record: Record,
    /// After a kill nobody can tell a damaged frame of the last window from a torn one: only what was acknowledged until
    /// here must be missed. `None` when the last run ended in order.
    pub window: Option<Mark>,
}

impl Base {
    /// Makes one; every second ends by a kill.
    pub(super) async fn make(seed: u64) -> Result<Self, String> {
        let mut random = Random::new(seed);
        let killed = random.chance(50);
        let work = tempfile::tempdir().expect("a temporary directory can be made");
        let settings = Settings::new(work.path().join("data"));
        let recorder = Recorder::new();
        let start = || async { Server::start(&settings).await.map_err(|error| error.to_string()) };
        let failed = |error: api::kinesis::KinesisError| error.to_string();

        // Journals that are rewritten into segments, then some that the next run finds.
        let server = start().await?;
        let client = Client::connect(&server);
        recorder.create(&client, SHARDS).await.map_err(failed)?;
        if random.chance(50) {
            client.encrypt().await.map_err(failed)?;
        }
        run_load(&client, &recorder, HEAVY, random.between(900, 1500), &mut random).await;
        server.kill().await;
        let server = start().await?;
        run_load(&Client::connect(&server), &recorder, HEAVY, random.between(100, 700), &mut random).await;
        server.kill().await;

        let server = start().await?;
        let client = Client::connect(&server);
        run_load(&client, &recorder, LIGHT, 100, &mut random).await;
        let window = put_in_turn(&client, &recorder, &mut random).await.map_err(failed)?;
        if killed {
            server.kill().await;
        } else {
            server.stop().await?;
        }
        let record = recorder.lock().clone();
        Self::keep(&settings, record, Some(window).filter(|_| killed)).await
    }

    /// Takes a copy of the directory as it is, and has a server say what is in it.
    async fn keep(settings: &Settings, mut record: Record, window: Option<Mark>) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        files::copy(&settings.data, folder.path()).map_err(|error| format!("the base cannot be copied: {error}"))?;
        let targets = targets(folder.path()).map_err(|error| format!("the base cannot be read: {error}"))?;
        let server = Server::start(settings).await.map_err(|error| error.to_string())?;
        let client = Client::connect(&server);
        let failed = |error: api::kinesis::KinesisError| error.to_string();
        let state = State::read(&client).await.map_err(failed)?.ok_or("the base has no stream")?;
        let summary = client.summary().await.map_err(failed)?;
        let mark = record.history.mark();
        state.clone().check(&mut record, mark)?;
        server.kill().await;
        Ok(Self { folder, targets, state, summary, record, window })
    }

    pub(super) fn copy_to(&self, dir: &Path) -> std::io::Result<()> {
        files::copy(self.folder.path(), dir)
    }
}

async fn run_load(client: &Client, recorder: &Recorder, plan: Plan, milliseconds: u64, random: &mut Random) {
    let load = Load::start(client, recorder, plan, random.next());
    sleep(Duration::from_millis(milliseconds)).await;
    load.stop().await;
}

/// Puts one request after the other; the moment before the last window of frames.
async fn put_in_turn(client: &Client, recorder: &Recorder, random: &mut Random) -> Answer<Mark> {
    let mut window = recorder.lock().history.mark();
    for request in 0..LAST_REQUESTS {
        if request == LAST_REQUESTS - IN_FLIGHT_FRAMES {
            window = recorder.lock().history.mark();
        }
        put(client, recorder, LIGHT.record_bytes_max, random).await?;
    }
    Ok(window)
}

fn targets(dir: &Path) -> std::io::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for file in files::list(dir)? {
        let path = dir.join(&file);
        let end = std::fs::metadata(&path)?.len();
        let name = file.to_string_lossy();
        let class = match &*name {
            "log.manifest" => Class::Manifest,
            "catalog.db" => Class::Catalog,
            "catalog.db-wal" => Class::CatalogLog,
            "root.key" => Class::RootKey,
            _ if name.ends_with(".journal") => Class::Journal,
            _ if name.ends_with(".segment") => Class::Segment,
            _ => continue,
        };
        if end == 0 {
            continue;
        }
        let content_end = files::content_end(&path)?;
        if class != Class::Segment {
            targets.push(Target { class, file, start: 0, end, content_end });
            continue;
        }
        let footer = end - footer_bytes(&std::fs::read(&path)?);
        targets.push(Target { class, file: file.clone(), start: 0, end: footer, content_end: footer });
        targets.push(Target { class: Class::Footer, file, start: footer, end, content_end: end });
    }
    Ok(targets)
}

/// Length of the footer, which a segment tells near its end.
fn footer_bytes(segment: &[u8]) -> u64 {
    let at = segment.len() - SEGMENT_END_BYTES;
    let bytes = segment[at..at + 4].try_into().expect("four bytes");
    u64::from(u32::from_le_bytes(bytes))
}
