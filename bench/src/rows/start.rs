//! Starting, and starting again.

use std::thread;
use std::time::Duration;

use crate::plan::Plan;
use crate::report::Figures;
use crate::request::{ALL_TAKEN, Signing, put_records, sign};
use crate::server::Server;
use crate::{Options, floor};

use super::{median, mib, milliseconds};

const STREAM: &str = "bench";
const GIB: u64 = 1 << 30;
/// Starts are short, so there can be more of them.
const STARTS: usize = 7;

pub(super) fn empty(options: &Options) -> Result<Figures, String> {
    let mut runs = Vec::new();
    for _ in 0..options.runs.max(STARTS) {
        runs.push(Server::prepare(options, &[])?.launch()?);
    }
    runs.sort_unstable();
    let slowest = runs[runs.len() - 1];
    let time = median(runs, Duration::as_secs_f64)?;
    Ok(Figures {
        value: milliseconds(time),
        number: time.as_secs_f64() * 1000.0,
        floor: String::new(),
        details: format!("slowest of {STARTS}: {}", milliseconds(slowest)),
    })
}

pub(super) fn idle_memory(options: &Options) -> Result<Figures, String> {
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let server = Server::start(options, &[])?;
        thread::sleep(Duration::from_secs(2));
        runs.push(server.resident_kib());
    }
    let memory = median(runs, |kib| *kib as f64)?;
    Ok(Figures { value: mib(memory), number: memory as f64 / 1024.0, floor: String::new(), details: String::new() })
}

/// A restart after kill -9.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Restart {
    /// From exec to the first answer.
    pub time: Duration,
    /// Bytes of data that were acknowledged before.
    pub acknowledged: u64,
    /// Time to read as many bytes of the journal once and cold.
    pub bare: Duration,
}

pub(super) fn after_kill(options: &Options) -> Result<Figures, String> {
    let Restart { time, acknowledged, bare } = restart(options)?;
    Ok(Figures {
        value: format!("{:.2} s", time.as_secs_f64()),
        number: time.as_secs_f64(),
        floor: format!("reading as many bytes {:.2} s", bare.as_secs_f64()),
        details: format!("{} MiB acknowledged before the kill", acknowledged >> 20),
    })
}

/// The median of all runs. Nothing has been sealed when the server dies.
pub(crate) fn restart(options: &Options) -> Result<Restart, String> {
    let bodies: Vec<String> = (0..16).map(|seed| put_records(STREAM, 500, 1024, seed)).collect();
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let mut server = Server::start(options, &[])?;
        server.api().create_stream(STREAM, 4)?;
        let stopped = server.without_segments()?;
        let acknowledged = fill(&server, &bodies)?;
        server.kill();
        drop(stopped);
        let bare = floor::sequential_read(&server.journals()?, acknowledged)?;
        let time = server.launch()?;
        println!("  {} for {} MiB, bare read {}", milliseconds(time), acknowledged >> 20, milliseconds(bare));
        runs.push(Restart { time, acknowledged, bare });
    }
    median(runs, |run| run.time.as_secs_f64())
}

/// Puts 1 GiB of data; how much it was to the byte.
fn fill(server: &Server, bodies: &[String]) -> Result<u64, String> {
    const BATCH_BYTES: u64 = 500 * 1024;
    const PRODUCERS: u64 = 8;
    let batches = GIB.div_ceil(BATCH_BYTES * PRODUCERS);
    let address = server.address();
    let requests = bodies.iter().map(|body| sign(address, Signing::Json("PutRecords"), body.as_bytes())).collect();
    let plan = Plan { address, requests: &requests, connections: 0, time: Duration::ZERO, expect: ALL_TAKEN };
    thread::scope(|scope| {
        let put = |i| {
            let mut producer = plan.producer(i)?;
            (0..batches).try_for_each(|_| producer.send())
        };
        let producers: Vec<_> = (0..PRODUCERS as usize).map(|i| scope.spawn(move || put(i))).collect();
        for producer in producers {
            producer.join().map_err(|_| "a producer panicked".to_owned())??;
        }
        Ok(batches * PRODUCERS * BATCH_BYTES)
    })
}
