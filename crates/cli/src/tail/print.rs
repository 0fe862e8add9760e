//! Writes records to standard output.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write as _};
use std::ops::ControlFlow;

use api::kinesis::Record;
use base::ByteString;
use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;
use crate::output;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    /// The data, and an end of line
    Text,
    /// One JSON object a line; data that is no text is in base64
    Json,
}

pub struct Printer {
    out: BufWriter<StdoutLock<'static>>,
    format: RecordFormat,
    /// Records that may still be printed.
    left: Option<u64>,
}

impl Printer {
    pub fn new(format: RecordFormat, limit: Option<u64>) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, io::stdout().lock()), format, left: limit }
    }

    /// Whether the limit is reached.
    pub fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Breaks when nobody wants more.
    pub fn print(&mut self, shard: &ByteString, records: &[Record]) -> Result<ControlFlow<()>, Failure> {
        match self.write(shard, records) {
            Ok(()) if self.is_full() => Ok(ControlFlow::Break(())),
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => Err(Failure::io("cannot write the output", &error)),
        }
    }

    fn write(&mut self, shard: &ByteString, records: &[Record]) -> io::Result<()> {
        for record in records {
            if let Some(left) = &mut self.left {
                if *left == 0 {
                    break;
                }
                *left -= 1;
            }
            match self.format {
                RecordFormat::Text => self.out.write_all(&record.data)?,
                RecordFormat::Json => serde_json::to_writer(&mut self.out, &Line::new(shard, record))?,
            }
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

/// A record as JSON, in the words of the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    shard_id: &'a str,
    sequence_number: &'a str,
    partition_key: &'a str,
    approximate_arrival_timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

impl<'a> Line<'a> {
    fn new(shard: &'a ByteString, record: &'a Record) -> Self {
        let text = std::str::from_utf8(&record.data).ok();
        Self {
            shard_id: shard,
            sequence_number: &record.sequence_number,
            partition_key: &record.partition_key,
            approximate_arrival_timestamp: record.approximate_arrival_timestamp.map(output::time),
            data: text,
            data_base64: text.is_none().then(|| base64_simd::STANDARD.encode_to_string(&record.data)),
        }
    }
}

#[cfg(test)]
mod tests {
    use base::time::Timestamp;

    use super::*;

    #[test]
    fn records_as_json() {
        let check = |data: &'static [u8], expected: &str| {
            let record = Record {
                sequence_number: "7".into(),
                approximate_arrival_timestamp: Some(Timestamp::from_millis(1_700_000_000_123)),
                data: data.into(),
                partition_key: "k".into(),
                encryption_type: None,
            };
            let shard = ByteString::from("shardId-000000000000");
            assert_eq!(serde_json::to_string(&Line::new(&shard, &record)).expect("text keys"), expected);
        };
        check(
            b"a\"b",
            r#"{"ShardId":"shardId-000000000000","SequenceNumber":"7","PartitionKey":"k","ApproximateArrivalTimestamp":"2023-11-14T22:13:20.123Z","Data":"a\"b"}"#,
        );
        check(
            b"\xff\x00",
            r#"{"ShardId":"shardId-000000000000","SequenceNumber":"7","PartitionKey":"k","ApproximateArrivalTimestamp":"2023-11-14T22:13:20.123Z","DataBase64":"/wA="}"#,
        );
    }
}
