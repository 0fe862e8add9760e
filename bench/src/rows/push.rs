//! How soon a record that was acknowledged is pushed.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::load::percentile;
use crate::report::Figures;
use crate::request::{Signing, put_records, sign};
use crate::server::Server;
use crate::{Options, floor};

use super::{median, milliseconds};

const STREAM: &str = "bench";
const PUTS: u64 = 500;
const PAUSE: Duration = Duration::from_millis(4);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Ascending times of one run.
#[derive(Debug)]
pub(crate) struct Times {
    pub after_acknowledgement: Vec<Duration>,
    pub after_sending: Vec<Duration>,
}

pub(super) fn latency(options: &Options) -> Result<Figures, String> {
    let bare = floor::durable_write_p50(&options.data)?;
    let times = times(options)?;
    let p99 = percentile(&times.after_acknowledgement, 99.0);
    Ok(Figures {
        value: milliseconds(p99),
        number: p99.as_secs_f64() * 1000.0,
        floor: format!("bare write + flush p50 {}", milliseconds(bare)),
        details: format!(
            "p50 {}; from sending the put: p50 {}, p99 {}",
            milliseconds(percentile(&times.after_acknowledgement, 50.0)),
            milliseconds(percentile(&times.after_sending, 50.0)),
            milliseconds(percentile(&times.after_sending, 99.0))
        ),
    })
}

/// The run with the median p99.
pub(crate) fn times(options: &Options) -> Result<Times, String> {
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let times = run(options)?;
        println!("  p99 {}", milliseconds(percentile(&times.after_acknowledgement, 99.0)));
        runs.push(times);
    }
    median(runs, |times| percentile(&times.after_acknowledgement, 99.0).as_secs_f64())
}

fn run(options: &Options) -> Result<Times, String> {
    let server = Server::start(options, &[])?;
    server.api().create_stream(STREAM, 1)?;
    let consumer = register(&server)?;
    let body = format!(
        r#"{{"ConsumerARN":"{consumer}","ShardId":"shardId-000000000000","StartingPosition":{{"Type":"LATEST"}}}}"#
    );
    let fail = |error: std::io::Error| format!("the connection broke: {error}");
    let mut reader = Connection::open(server.address()).map_err(fail)?;
    reader.send(&sign(server.address(), Signing::Json("SubscribeToShard"), body.as_bytes())).map_err(fail)?;
    // The first bytes are the head; from then on the subscription stands.
    reader.read_some().map_err(fail)?;
    let (sender, pushed) = mpsc::channel();
    let watcher = thread::spawn(move || {
        while let Ok(part) = reader.read_some() {
            let seen = Instant::now();
            let has_record = part.windows(14).any(|window| window == b"PartitionKey\":");
            if has_record && sender.send(seen).is_err() {
                return;
            }
        }
    });
    thread::sleep(Duration::from_millis(300));
    let record = put_records(STREAM, 1, 100, 1).replace(r#""Records":[{"#, "").replace("}]}", "}");
    let request = sign(server.address(), Signing::Json("PutRecord"), record.as_bytes());
    let mut writer = Connection::open(server.address()).map_err(fail)?;
    let mut times = Times { after_acknowledgement: Vec::new(), after_sending: Vec::new() };
    for _ in 0..PUTS {
        thread::sleep(PAUSE);
        let sent = Instant::now();
        let status = writer.exchange_with(&request, |_| {}).map_err(fail)?;
        let acknowledged = Instant::now();
        if status != 200 {
            return Err(format!("PutRecord: {status}"));
        }
        let seen = pushed.recv_timeout(TIMEOUT).map_err(|_| "a record was not pushed".to_owned())?;
        times.after_acknowledgement.push(seen.saturating_duration_since(acknowledged));
        times.after_sending.push(seen.saturating_duration_since(sent));
    }
    drop((pushed, server));
    watcher.join().map_err(|_| "the reader panicked".to_owned())?;
    times.after_acknowledgement.sort_unstable();
    times.after_sending.sort_unstable();
    Ok(times)
}

/// The ARN of a consumer that is ACTIVE.
fn register(server: &Server) -> Result<String, String> {
    let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}");
    let body = format!(r#"{{"StreamARN":"{arn}","ConsumerName":"reader"}}"#);
    let answer = server.api().call_json("RegisterStreamConsumer", &body)?;
    let consumer = answer["Consumer"]["ConsumerARN"].as_str().ok_or("no ARN came")?.to_owned();
    for _ in 0..1000 {
        let body = format!(r#"{{"ConsumerARN":"{consumer}"}}"#);
        let found = server.api().call_json("DescribeStreamConsumer", &body)?;
        if found["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE" {
            return Ok(consumer);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err("the consumer does not become ACTIVE".to_owned())
}
