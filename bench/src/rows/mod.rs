//! What is measured, one file a family.

use std::time::Duration;

use crate::Options;
use crate::report::Figures;

mod client;
mod get;
mod leases;
pub(crate) mod push;
pub(crate) mod put;
pub(crate) mod shards;
pub(crate) mod start;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub name: &'static str,
    pub what: &'static str,
    /// The least that is good enough.
    pub floor: &'static str,
    pub aim: &'static str,
    pub measure: fn(&Options) -> Result<Figures, String>,
}

pub(crate) const ALL: &[Row] = &[
    Row {
        name: "put-100b",
        what: "durable PutRecords, 500 x 100 B, JSON, SigV4 verified, 16 connections: records per server CPU-second",
        floor: "1,000,000",
        aim: "2,000,000",
        measure: put::records_of_100_bytes,
    },
    Row {
        name: "put-1kib",
        what: "the same, 100 x 1 KiB: MiB of data per server CPU-second",
        floor: "300",
        aim: "600",
        measure: put::records_of_1_kib,
    },
    Row {
        name: "put-one",
        what: "PutRecord, one connection: p50 over the p50 of a bare 4 KiB write + flush",
        floor: "3x",
        aim: "1.5x",
        measure: put::one_record,
    },
    Row {
        name: "get",
        what: "GetRecords, warm, 10,000 records of 100 B an answer: records per server CPU-second",
        floor: "1,500,000",
        aim: "4,000,000",
        measure: get::warm,
    },
    Row {
        name: "push",
        what: "put acknowledged to pushed to a SubscribeToShard reader, p99, idle machine",
        floor: "10 ms",
        aim: "2 ms",
        measure: push::latency,
    },
    Row {
        name: "shards",
        what: "10,000 idle open shards: added RSS",
        floor: "40 MiB",
        aim: "5 MiB",
        measure: shards::idle,
    },
    Row {
        name: "restart",
        what: "restart after kill -9 with 1 GiB of journal not yet sealed",
        floor: "5 s",
        aim: "1 s",
        measure: start::after_kill,
    },
    Row {
        name: "start",
        what: "exec to the answer of ListStreams, empty data directory",
        floor: "200 ms",
        aim: "200 ms",
        measure: start::empty,
    },
    Row {
        name: "leases",
        what: "1,000 leases renewed as KCL does, each every 3.3 s: p99 of a call",
        floor: "5 ms",
        aim: "5 ms",
        measure: leases::renewals,
    },
    Row {
        name: "producer",
        what: "producer of the Rust crate, 100 B user records, aggregated: user records acknowledged a second",
        floor: "500,000",
        aim: "1,000,000",
        measure: client::producer,
    },
    Row {
        name: "consumer",
        what: "consumer of the Rust crate, the same records, de-aggregated: user records read a second",
        floor: "500,000",
        aim: "1,000,000",
        measure: client::consumer,
    },
    Row { name: "idle", what: "idle RSS", floor: "64 MiB", aim: "64 MiB", measure: start::idle_memory },
];

/// The measurement in the middle.
pub(crate) fn median<T>(mut runs: Vec<T>, key: impl Fn(&T) -> f64) -> Result<T, String> {
    runs.sort_by(|a, b| key(a).total_cmp(&key(b)));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle).ok_or_else(|| "there were no runs".to_owned())
}

/// With thousands separated.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// In milliseconds, with microseconds after the point.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

pub(crate) fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([grouped(1.0), grouped(1234.4), grouped(1_234_567.0)], ["1", "1,234", "1,234,567"]);
        assert_eq!(milliseconds(Duration::from_micros(1234)), "1.234 ms");
        assert_eq!(median(vec![3.0, 1.0, 2.0], |run| *run), Ok(2.0));
    }
}
