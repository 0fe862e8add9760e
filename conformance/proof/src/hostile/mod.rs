//! Clients that mean harm, against a server that may use 512 MiB. Others are served meanwhile and lose nothing, the server lives, and
//! its memory stays within the limit.

use std::fmt::Write as _;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::client::Client;
use crate::judge::judge;
use crate::load::Recorder;
use crate::random::Random;
use crate::report::{Options, Report};
use crate::server::{Server, Settings};

mod attacks;
mod frames;
mod group;
mod neighbours;

use attacks::{ATTACKS, Target};
use group::Group;
use neighbours::{Latencies, Neighbours};

const MEMORY_BYTES_MAX: u64 = 512 << 20;
const SHARDS: i32 = 2;
/// How long neighbours are alone, and how long each attack lasts.
const QUIET: Duration = Duration::from_secs(2);
const ATTACK: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let group = match Group::new(MEMORY_BYTES_MAX) {
        Ok(group) => group,
        Err(error) => return Ok(Report::Skipped { reason: format!("skipped: needs a memory control group: {error}") }),
    };
    raise_file_limit();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut settings = Settings::new(folder.path().join("data"));
    settings.memory = None;
    settings.group = Some(group.path().to_owned());
    let mut server = Server::start(&settings).await.map_err(|error| error.to_string())?;
    let mut seen = Seen::new();
    let recorder = Recorder::new();
    recorder.create(&Client::connect(&server), SHARDS).await.map_err(|error| error.to_string())?;
    for pass in 0..options.count {
        seen.pass(&mut server, &recorder).await?;
        println!("{} of {} passes", pass + 1, options.count);
    }
    let peak = server.peak_memory_bytes()?;
    let mut record = recorder.lock().clone();
    let mark = record.history.mark();
    let mut random = Random::new(options.seed);
    let judged = judge(&Client::connect(&server), &mut record, mark, &mut random).await?;
    server.stop().await?;
    if peak > MEMORY_BYTES_MAX {
        return Err(format!("the server used {} MiB", peak >> 20));
    }
    let words = seen.words(judged.acknowledged, peak);
    Ok(Report::passed(options.count, words))
}

/// Latencies of the neighbours while they were alone, and during each attack.
struct Seen {
    quiet: Latencies,
    attacked: Vec<Latencies>,
}

impl Seen {
    fn new() -> Self {
        Self { quiet: Latencies::default(), attacked: vec![Latencies::default(); ATTACKS.len()] }
    }

    /// Every attack once, each behind a quiet time.
    async fn pass(&mut self, server: &mut Server, recorder: &Recorder) -> Result<(), String> {
        for ((name, attack), latencies) in ATTACKS.iter().zip(&mut self.attacked) {
            let neighbours = Neighbours::start(server, recorder);
            tokio::time::sleep(QUIET).await;
            self.quiet.add(neighbours.take());
            attack(Target { address: server.address(), lasts: ATTACK }).await;
            latencies.add(neighbours.take());
            let failures = neighbours.stop().await;
            if let Some(status) = server.ended() {
                return Err(format!("{name}: the server ended with {status}"));
            }
            if let Some(error) = failures.first() {
                return Err(format!("{name}: {} requests of others failed, the first with {error}", failures.len()));
            }
            println!(
                "{name}: others waited {} at p99, {} without it",
                millis(latencies.p99()),
                millis(self.quiet.p99())
            );
        }
        Ok(())
    }

    fn words(&self, acknowledged: usize, peak: u64) -> String {
        let mut words = format!(
            "0 lost of {acknowledged} acknowledged records; no request of others failed; {} MiB at most; p99 of others {} alone",
            peak >> 20,
            millis(self.quiet.p99())
        );
        for ((name, _), latencies) in ATTACKS.iter().zip(&self.attacked) {
            let _ = write!(words, ", {} with {name}", millis(latencies.p99()));
        }
        words
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Each slow connection is a file here and one in the server, which inherits the limit.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // With less, there are fewer slow connections.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
