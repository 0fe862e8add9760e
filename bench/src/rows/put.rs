//! Writing.

use std::net::SocketAddr;
use std::time::Duration;

use crate::load::{Load, percentile};
use crate::plan::{Plan, Requests};
use crate::report::Figures;
use crate::request::{ALL_TAKEN, Shape, Signing, VARIANTS, put_records, sign, signed_batches};
use crate::server::Server;
use crate::{Options, floor};

use super::{grouped, median, mib, milliseconds};

const STREAM: &str = "bench";
const SHARDS: u32 = 4;
const CONNECTIONS: usize = 16;
/// Of the bare write beside a single record, and beside a batch.
const RECORD_BLOCK_BYTES: usize = 4096;
const BATCH_BLOCK_BYTES: usize = 64 * 1024;
const RECORDS_OF_100_BYTES: Shape = Shape { count: 500, bytes: 100 };

pub(super) fn records_of_100_bytes(options: &Options) -> Result<Figures, String> {
    let shape = RECORDS_OF_100_BYTES;
    let (load, floor, memory) = batches(options, shape)?;
    let records = load.requests() * shape.count as f64;
    let number = records / load.cpu.used.as_secs_f64();
    Ok(figures(
        grouped(number),
        number,
        format!("{} records/s", grouped(records / load.elapsed.as_secs_f64())),
        &load,
        &floor,
        memory,
    ))
}

pub(super) fn records_of_1_kib(options: &Options) -> Result<Figures, String> {
    let shape = Shape { count: 100, bytes: 1024 };
    let (load, floor, memory) = batches(options, shape)?;
    let data_mib = load.requests() * (shape.count * shape.bytes) as f64 / f64::from(1 << 20);
    let number = data_mib / load.cpu.used.as_secs_f64();
    Ok(figures(
        grouped(number),
        number,
        format!("{} MiB/s", grouped(data_mib / load.elapsed.as_secs_f64())),
        &load,
        &floor,
        memory,
    ))
}

fn figures(value: String, number: f64, rate: String, load: &Load, floor: &Load, memory: u64) -> Figures {
    let (ours, bare) = (load.cpu_per_request(), floor.cpu_per_request());
    let waited = load.cpu.waited.as_secs_f64() / load.cpu.used.as_secs_f64().max(1e-9);
    Figures {
        value,
        number,
        floor: format!(
            "{:.0} us CPU a request, bare hyper {:.0} us: {:.1}x",
            ours.as_secs_f64() * 1e6,
            bare.as_secs_f64() * 1e6,
            ours.as_secs_f64() / bare.as_secs_f64().max(1e-9)
        ),
        details: format!(
            "{rate}, p50 {}, p99 {}, RSS {}, waited {waited:.2}, generator {:.0} us",
            milliseconds(load.percentile(50.0)),
            milliseconds(load.percentile(99.0)),
            mib(memory),
            load.generator_cpu.used.as_secs_f64() / load.requests().max(1.0) * 1e6
        ),
    }
}

/// The median run, the bare server's, and the memory of the server at the end in KiB.
fn batches(options: &Options, shape: Shape) -> Result<(Load, Load, u64), String> {
    let bodies: Vec<String> = (0..VARIANTS).map(|seed| put_records(STREAM, shape.count, shape.bytes, seed)).collect();
    let time = Duration::from_secs(options.seconds);
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let server = Server::start(options, &[])?;
        server.api().create_stream(STREAM, SHARDS)?;
        let address = server.address();
        let requests = signed_batches(address, STREAM, shape);
        let plan = Plan { address, requests: &requests, connections: CONNECTIONS, time, expect: ALL_TAKEN };
        let load = plan.run(|| server.cpu())?;
        println!(
            "  {} requests, {:.0} us CPU a request, p50 {}",
            load.latencies.len(),
            load.cpu_per_request().as_secs_f64() * 1e6,
            milliseconds(load.percentile(50.0))
        );
        runs.push((load, server.resident_kib()));
    }
    let (load, memory) = median(runs, |(load, _)| load.cpu_per_request().as_secs_f64())?;
    let floor = floor::http(&bodies, CONNECTIONS, time.min(Duration::from_secs(3)))?;
    Ok((load, floor, memory))
}

pub(super) fn one_record(options: &Options) -> Result<Figures, String> {
    let requests = |address| {
        let signed = |seed| {
            let record = put_records(STREAM, 1, 100, seed).replace(r#""Records":[{"#, "").replace("}]}", "}");
            sign(address, Signing::Json("PutRecord"), record.as_bytes())
        };
        (0..VARIANTS).map(signed).collect()
    };
    let runs = one_connection(options, requests, &["SequenceNumber"], RECORD_BLOCK_BYTES)?;
    let OneConnection { load, bare } = median(runs, OneConnection::ratio)?;
    let number = load.percentile(50.0).as_secs_f64() / bare.as_secs_f64();
    Ok(Figures {
        value: format!("{number:.2}x"),
        number,
        floor: format!("bare write + flush p50 {}", milliseconds(bare)),
        details: format!(
            "p50 {}, p99 {}, {} requests/s, {:.0} us CPU a request",
            milliseconds(load.percentile(50.0)),
            milliseconds(load.percentile(99.0)),
            grouped(load.requests() / load.elapsed.as_secs_f64()),
            load.cpu_per_request().as_secs_f64() * 1e6
        ),
    })
}

/// One run with one connection, beside the disk.
#[derive(Debug)]
pub(crate) struct OneConnection {
    pub load: Load,
    /// p50 of a bare durable write.
    pub bare: Duration,
}

impl OneConnection {
    fn ratio(&self) -> f64 {
        self.load.percentile(50.0).as_secs_f64() / self.bare.as_secs_f64()
    }

    /// What acknowledging takes beyond the bare write, in seconds.
    pub(crate) fn added(&self) -> f64 {
        self.load.percentile(50.0).as_secs_f64() - self.bare.as_secs_f64()
    }
}

/// PutRecords of 500 x 100 B beside a bare write of 64 KiB; the run with the median difference.
pub(crate) fn one_batch(options: &Options) -> Result<OneConnection, String> {
    let requests = |address| signed_batches(address, STREAM, RECORDS_OF_100_BYTES);
    median(one_connection(options, requests, ALL_TAKEN, BATCH_BLOCK_BYTES)?, OneConnection::added)
}

fn one_connection(
    options: &Options,
    requests: impl Fn(SocketAddr) -> Requests,
    expect: &'static [&'static str],
    block_bytes: usize,
) -> Result<Vec<OneConnection>, String> {
    let time = Duration::from_secs(options.seconds);
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let before = floor::durable_writes(&options.data, block_bytes)?;
        let server = Server::start(options, &[])?;
        server.api().create_stream(STREAM, 1)?;
        let address = server.address();
        let plan = Plan { address, requests: &requests(address), connections: 1, time, expect };
        let load = plan.run(|| server.cpu())?;
        // The disk's mood changes within a run: its floor is the mean of before and after.
        let after = floor::durable_writes(&options.data, block_bytes)?;
        let bare = (percentile(&before, 50.0) + percentile(&after, 50.0)) / 2;
        println!("  p50 {}, bare {}", milliseconds(load.percentile(50.0)), milliseconds(bare));
        runs.push(OneConnection { load, bare });
    }
    Ok(runs)
}
