//! Renewing leases in a table, as consumer libraries do.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::connection::Connection;
use crate::load::percentile;
use crate::report::Figures;
use crate::request::{Signing, sign};
use crate::server::Server;
use crate::{Options, floor};

use super::{grouped, median, milliseconds};

const TABLE: &str = "application";
const LEASES: usize = 1000;
/// What KCL renews leases with.
const THREADS: usize = 20;
/// A third of the time after which KCL takes a lease for abandoned.
const INTERVAL: Duration = Duration::from_millis(3300);

pub(super) fn renewals(options: &Options) -> Result<Figures, String> {
    let bare = floor::durable_write_p50(&options.data)?;
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let run = run(options)?;
        println!("  {} calls, p99 {}", run.len(), milliseconds(percentile(&run, 99.0)));
        runs.push(run);
    }
    let run = median(runs, |run| percentile(run, 99.0).as_secs_f64())?;
    let p99 = percentile(&run, 99.0);
    Ok(Figures {
        value: milliseconds(p99),
        number: p99.as_secs_f64() * 1000.0,
        floor: format!("bare write + flush p50 {}", milliseconds(bare)),
        details: format!("p50 {}, {} calls", milliseconds(percentile(&run, 50.0)), grouped(run.len() as f64)),
    })
}

/// Ascending times of the calls.
fn run(options: &Options) -> Result<Vec<Duration>, String> {
    let server = Server::start(options, &[])?;
    let address = server.address();
    make_table(address)?;
    let rounds = (Duration::from_secs(options.seconds).as_secs_f64() / INTERVAL.as_secs_f64()).ceil() as usize;
    let times: Result<Vec<Vec<Duration>>, String> = thread::scope(|scope| {
        let renewers: Vec<_> = (0..THREADS).map(|i| scope.spawn(move || renew(address, i, rounds))).collect();
        let joined = renewers.into_iter().map(|of| of.join().map_err(|_| "a renewer panicked".to_owned())?);
        joined.collect()
    });
    let mut times = times?.concat();
    times.sort_unstable();
    Ok(times)
}

fn call(connection: &mut Connection, address: SocketAddr, operation: &str, body: &str) -> Result<(), String> {
    let request = sign(address, Signing::Table(operation), body.as_bytes());
    let answer = connection.exchange(&request).map_err(|error| format!("{operation}: {error}"))?;
    if answer.status == 200 {
        return Ok(());
    }
    Err(format!("{operation}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)))
}

fn open(address: SocketAddr) -> Result<Connection, String> {
    Connection::open(address).map_err(|error| format!("no connection: {error}"))
}

fn lease_key(index: usize) -> String {
    format!("shardId-{index:012}")
}

fn make_table(address: SocketAddr) -> Result<(), String> {
    let mut connection = open(address)?;
    let table = json!({
        "TableName": TABLE,
        "KeySchema": [{"AttributeName": "leaseKey", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "leaseKey", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    call(&mut connection, address, "CreateTable", &table.to_string())?;
    for index in 0..LEASES {
        let lease = json!({"TableName": TABLE, "Item": {
            "leaseKey": {"S": lease_key(index)},
            "leaseCounter": {"N": "0"},
            "leaseOwner": {"S": "worker-1"},
            "checkpoint": {"S": "TRIM_HORIZON"},
            "checkpointSubSequenceNumber": {"N": "0"},
            "ownerSwitchesSinceCheckpoint": {"N": "0"},
            "startingHashKey": {"S": "0"},
            "endingHashKey": {"S": "340282366920938463463374607431768211455"},
        }});
        call(&mut connection, address, "PutItem", &lease.to_string())?;
    }
    Ok(())
}

/// Renews the leases of one thread, evenly over the interval.
fn renew(address: SocketAddr, thread: usize, rounds: usize) -> Result<Vec<Duration>, String> {
    let mut connection = open(address)?;
    let own: Vec<usize> = (thread..LEASES).step_by(THREADS).collect();
    let pause = INTERVAL / u32::try_from(own.len()).unwrap_or(1);
    let mut times = Vec::new();
    let mut next = Instant::now() + pause.mul_f64(thread as f64 / THREADS as f64);
    for round in 0..rounds {
        for index in &own {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next += pause;
            let renewal = json!({
                "TableName": TABLE,
                "Key": {"leaseKey": {"S": lease_key(*index)}},
                "Expected": {
                    "leaseCounter": {"Value": {"N": round.to_string()}},
                    "leaseOwner": {"Value": {"S": "worker-1"}},
                },
                "AttributeUpdates": {"leaseCounter": {"Value": {"N": (round + 1).to_string()}, "Action": "PUT"}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            });
            let body = renewal.to_string();
            let started = Instant::now();
            call(&mut connection, address, "UpdateItem", &body)?;
            times.push(started.elapsed());
        }
    }
    Ok(times)
}
