//! Starting, and starting again.

use std::thread;
use std::time::Duration;

use crate::load::Plan;
use crate::report::Figures;
use crate::request::{Signing, put_records, sign};
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

/// One journal file takes it all, so that nothing is sealed when the server dies.
pub(super) fn after_kill(options: &Options) -> Result<Figures, String> {
    let bodies: Vec<String> = (0..16).map(|seed| put_records(STREAM, 500, 1024, seed)).collect();
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let mut server = Server::start(options, &["--journal-file", "2GiB"])?;
        server.create_stream(STREAM, 4)?;
        let address = server.address();
        let requests: Vec<Vec<u8>> =
            bodies.iter().map(|body| sign(address, Signing::Json("PutRecords"), body.as_bytes())).collect();
        let mut acknowledged = 0;
        while acknowledged < GIB {
            let time = Duration::from_millis(500);
            let plan = Plan { address, requests: &requests, connections: 8, time, expect: br#""FailedRecordCount":0"# };
            // What is sent during the warm-up counts for nothing here and is stored all the same.
            acknowledged += plan.run(|| server.cpu())?.latencies.len() as u64 * 500 * 1024;
        }
        server.kill();
        let time = server.launch()?;
        server.kill();
        let bare = floor::sequential_read(&server.largest_journal()?, acknowledged)?;
        println!("  {} for at least {} MiB, bare read {}", milliseconds(time), acknowledged >> 20, milliseconds(bare));
        runs.push((time, acknowledged, bare));
    }
    let (time, acknowledged, bare) = median(runs, |(time, _, _)| time.as_secs_f64())?;
    Ok(Figures {
        value: format!("{:.2} s", time.as_secs_f64()),
        number: time.as_secs_f64(),
        floor: format!("reading as many bytes {:.2} s", bare.as_secs_f64()),
        details: format!("at least {} MiB acknowledged before the kill", acknowledged >> 20),
    })
}
