//! Reading what is in memory.

use std::time::Duration;

use crate::plan::{Plan, Requests};
use crate::report::Figures;
use crate::request::{Signing, put_records, sign};
use crate::server::Server;
use crate::{Options, floor};

use super::{grouped, median, mib, milliseconds};

const STREAM: &str = "bench";
const RECORDS: usize = 10_000;
const CONNECTIONS: usize = 4;

pub(super) fn warm(options: &Options) -> Result<Figures, String> {
    let time = Duration::from_secs(options.seconds);
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let server = Server::start(options, &[])?;
        server.api().create_stream(STREAM, 1)?;
        for seed in 0..RECORDS as u64 / 500 {
            server.api().call("PutRecords", &put_records(STREAM, 500, 100, seed))?;
        }
        let body = format!(r#"{{"ShardIterator":"{}","Limit":{RECORDS}}}"#, server.api().horizon(STREAM, 0)?);
        let found = server.api().call("GetRecords", &body)?;
        let count = String::from_utf8_lossy(&found).matches(r#""PartitionKey""#).count();
        if count != RECORDS {
            return Err(format!("one answer has {count} records, not {RECORDS}"));
        }
        let requests: Requests = [sign(server.address(), Signing::Json("GetRecords"), body.as_bytes())].into();
        let plan = Plan { address: server.address(), requests: &requests, connections: CONNECTIONS, time, expect: &[] };
        let load = plan.run(|| server.cpu())?;
        println!("  {} answers of {} bytes", load.latencies.len(), found.len());
        runs.push((load, found.len(), server.resident_kib()));
    }
    let (load, bytes, memory) = median(runs, |(load, _, _)| load.cpu_per_request().as_secs_f64())?;
    let number = load.requests() * RECORDS as f64 / load.cpu.used.as_secs_f64();
    let bare = floor::http(&["{}".to_owned()], CONNECTIONS, Duration::from_secs(2))?;
    Ok(Figures {
        value: grouped(number),
        number,
        floor: format!(
            "{:.0} us CPU an answer, an empty one from bare hyper {:.0} us",
            load.cpu_per_request().as_secs_f64() * 1e6,
            bare.cpu_per_request().as_secs_f64() * 1e6
        ),
        details: format!(
            "{} MiB/s of JSON, p50 {}, p99 {}, RSS {}",
            grouped(load.requests() * bytes as f64 / f64::from(1 << 20) / load.elapsed.as_secs_f64()),
            milliseconds(load.percentile(50.0)),
            milliseconds(load.percentile(99.0)),
            mib(memory)
        ),
    })
}
