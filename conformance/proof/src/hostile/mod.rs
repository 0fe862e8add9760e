//! Clients that mean harm, against a server that may use 512 MiB. Others are served meanwhile and lose nothing, the server lives, and
//! its memory stays within the limit.

use std::fmt::Write as _;
use std::path::Path;
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
const PAUSE: Duration = Duration::from_millis(500);
/// How long each attack is made on another server, to see what of the waiting is the machine's.
const ATTACK_ELSEWHERE: Duration = Duration::from_secs(2);

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let groups = ["attacked", "other"].map(|name| Group::new(name, MEMORY_BYTES_MAX));
    let [group, other_group] = match groups {
        [Ok(group), Ok(other)] => [group, other],
        [Err(error), _] | [_, Err(error)] => {
            return Ok(Report::Skipped { reason: format!("skipped: needs a memory control group: {error}") });
        }
    };
    raise_file_limit();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut server = start(&folder.path().join("data"), &group).await?;
    let other = start(&folder.path().join("other"), &other_group).await?;
    let mut seen = Seen::new();
    let recorder = Recorder::new();
    recorder.create(&Client::connect(&server), SHARDS).await.map_err(|error| error.to_string())?;
    for pass in 0..options.count {
        seen.pass(&mut server, &other, &recorder).await?;
        println!("{} of {} passes", pass + 1, options.count);
    }
    let peak = server.peak_memory_bytes()?;
    let mut record = recorder.lock().clone();
    let mark = record.history.mark();
    let mut random = Random::new(options.seed);
    let judged = judge(&Client::connect(&server), &mut record, mark, &mut random).await?;
    server.stop().await?;
    other.stop().await?;
    if peak > MEMORY_BYTES_MAX {
        return Err(format!("the server used {} MiB", peak >> 20));
    }
    let words = seen.words(judged.acknowledged, peak);
    Ok(Report::passed(options.count, words))
}

async fn start(data: &Path, group: &Group) -> Result<Server, String> {
    let mut settings = Settings::new(data.to_owned());
    settings.memory = None;
    settings.group = Some(group.path().to_owned());
    Server::start(&settings).await.map_err(|error| error.to_string())
}

/// Latencies of the neighbours while they were alone, and during each attack.
struct Seen {
    quiet: Latencies,
    attacked: Vec<Attacked>,
}

#[derive(Debug, Clone, Default)]
struct Attacked {
    here: Latencies,
    /// The other server on the machine was attacked, by as many with as much.
    elsewhere: Latencies,
}

impl Seen {
    fn new() -> Self {
        Self { quiet: Latencies::default(), attacked: vec![Attacked::default(); ATTACKS.len()] }
    }

    /// Every attack once on each server, behind a quiet time.
    async fn pass(&mut self, server: &mut Server, other: &Server, recorder: &Recorder) -> Result<(), String> {
        for ((name, attack), latencies) in ATTACKS.iter().zip(&mut self.attacked) {
            let neighbours = Neighbours::start(server, recorder);
            tokio::time::sleep(QUIET).await;
            self.quiet.add(neighbours.take());
            attack(Target { address: other.address(), lasts: ATTACK_ELSEWHERE }).await;
            latencies.elsewhere.add(neighbours.take());
            // What the attack has left elsewhere is cleared away.
            tokio::time::sleep(PAUSE).await;
            neighbours.take();
            attack(Target { address: server.address(), lasts: ATTACK }).await;
            latencies.here.add(neighbours.take());
            let failures = neighbours.stop().await;
            if let Some(status) = server.ended() {
                return Err(format!("{name}: the server ended with {status}"));
            }
            if let Some(error) = failures.first() {
                return Err(format!("{name}: {} requests of others failed, the first with {error}", failures.len()));
            }
            println!(
                "{name}: others waited {} at p99, {} when another server was attacked, {} without it",
                millis(latencies.here.p99()),
                millis(latencies.elsewhere.p99()),
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
            let (here, elsewhere) = (millis(latencies.here.p99()), millis(latencies.elsewhere.p99()));
            let _ = write!(words, ", {here} with {name} ({elsewhere} when another server has them)");
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
