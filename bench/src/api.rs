//! Calls of the Kinesis API one at a time, for what is done before and after the clock runs.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::request::{Signing, sign};

/// A server that speaks JSON over HTTP/1.1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api {
    pub address: SocketAddr,
}

impl Api {
    /// Sends one call and fails unless it succeeds; the body of the answer.
    pub(crate) fn call(self, operation: &str, body: &str) -> Result<Vec<u8>, String> {
        let request = sign(self.address, Signing::Json(operation), body.as_bytes());
        let answer = Connection::open(self.address)
            .and_then(|mut connection| connection.exchange(&request))
            .map_err(|error| format!("{operation}: {error}"))?;
        if answer.status == 200 {
            return Ok(answer.body);
        }
        Err(format!("{operation}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)))
    }

    /// The same for an answer that is looked into.
    pub(crate) fn call_json(self, operation: &str, body: &str) -> Result<Value, String> {
        serde_json::from_slice(&self.call(operation, body)?).map_err(|error| format!("{operation}: {error}"))
    }

    /// Creates a stream and waits until it is ACTIVE.
    pub(crate) fn create_stream(self, name: &str, shards: u32) -> Result<(), String> {
        self.call("CreateStream", &format!(r#"{{"StreamName":"{name}","ShardCount":{shards}}}"#))?;
        for _ in 0..3000 {
            let found = self.call_json("DescribeStreamSummary", &format!(r#"{{"StreamName":"{name}"}}"#))?;
            if found["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE" {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("{name} does not become ACTIVE"))
    }

    /// An iterator at the beginning of a shard.
    pub(crate) fn horizon(self, stream: &str, shard: u32) -> Result<String, String> {
        let body = format!(
            r#"{{"StreamName":"{stream}","ShardId":"shardId-{shard:012}","ShardIteratorType":"TRIM_HORIZON"}}"#
        );
        let answer = self.call_json("GetShardIterator", &body)?;
        answer["ShardIterator"].as_str().map(str::to_owned).ok_or_else(|| "no iterator came".to_owned())
    }

    /// Reads shards `0..shards` to their tips; the number of records, or `None` when `time_max` does not suffice.
    pub(crate) fn count_records(self, stream: &str, shards: u32, time_max: Duration) -> Result<Option<u64>, String> {
        let (started, mut records) = (Instant::now(), 0);
        for shard in 0..shards {
            let mut iterator = Some(self.horizon(stream, shard)?);
            while let Some(from) = iterator {
                if started.elapsed() > time_max {
                    return Ok(None);
                }
                let body = json!({ "ShardIterator": from, "Limit": 10_000 }).to_string();
                let answer = self.call("GetRecords", &body)?;
                let page: Page = serde_json::from_slice(&answer).map_err(|error| format!("GetRecords: {error}"))?;
                records += page.records.len() as u64;
                iterator = page.next.filter(|_| !page.records.is_empty() || page.behind.is_some_and(|ms| ms > 0));
            }
        }
        Ok(Some(records))
    }
}

/// What counts in an answer of GetRecords.
#[derive(Debug, Deserialize)]
struct Page {
    #[serde(rename = "Records")]
    records: Vec<IgnoredAny>,
    #[serde(rename = "NextShardIterator")]
    next: Option<String>,
    #[serde(rename = "MillisBehindLatest")]
    behind: Option<u64>,
}
