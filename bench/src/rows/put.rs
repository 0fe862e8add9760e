//! Writing.

use std::time::Duration;

use crate::load::{Load, Plan, percentile};
use crate::report::Figures;
use crate::request::{Signing, put_records, sign};
use crate::server::Server;
use crate::{Options, floor};

use super::{grouped, median, mib, milliseconds};

const STREAM: &str = "bench";
const SHARDS: u32 = 4;
const CONNECTIONS: usize = 16;
/// Bodies unlike one another.
const VARIANTS: u64 = 32;

/// What one record batch looks like.
#[derive(Debug, Clone, Copy)]
struct Shape {
    count: usize,
    bytes: usize,
}

pub(super) fn records_of_100_bytes(options: &Options) -> Result<Figures, String> {
    let shape = Shape { count: 500, bytes: 100 };
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
        server.create_stream(STREAM, SHARDS)?;
        let address = server.address();
        let requests: Vec<Vec<u8>> =
            bodies.iter().map(|body| sign(address, Signing::Json("PutRecords"), body.as_bytes())).collect();
        let expect = br#""FailedRecordCount":0"#;
        let plan = Plan { address, requests: &requests, connections: CONNECTIONS, time, expect };
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
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let before = floor::durable_writes(&options.data)?;
        let server = Server::start(options, &[])?;
        server.create_stream(STREAM, 1)?;
        let address = server.address();
        let requests: Vec<Vec<u8>> = (0..VARIANTS)
            .map(|seed| {
                let batch = put_records(STREAM, 1, 100, seed);
                let record = batch.replace(r#""Records":[{"#, "").replace("}]}", "}");
                sign(address, Signing::Json("PutRecord"), record.as_bytes())
            })
            .collect();
        let time = Duration::from_secs(options.seconds);
        let plan = Plan { address, requests: &requests, connections: 1, time, expect: b"SequenceNumber" };
        let load = plan.run(|| server.cpu())?;
        // The disk's mood changes within a run: its floor is the mean of before and after.
        let after = floor::durable_writes(&options.data)?;
        let bare = (percentile(&before, 50.0) + percentile(&after, 50.0)) / 2;
        let ratio = load.percentile(50.0).as_secs_f64() / bare.as_secs_f64();
        println!("  p50 {}, bare {}: {ratio:.2}x", milliseconds(load.percentile(50.0)), milliseconds(bare));
        runs.push((ratio, load, bare));
    }
    let (number, load, bare) = median(runs, |(ratio, _, _)| *ratio)?;
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
