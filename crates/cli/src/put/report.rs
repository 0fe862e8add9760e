//! Says what was written and what was not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::ByteString;
use serde_json::{Value, json};

use super::progress::rate;
use super::send::Outcome;
use crate::failure::Failure;
use crate::output::{self, Format};

/// Lines that are listed one by one; of more, the number is said.
const LISTED_MAX: usize = 100;

pub struct Report {
    stream: String,
    written: BTreeMap<ByteString, u64>,
    written_count: u64,
    retried: u64,
    /// The first of them, with reasons.
    rejects: Vec<(u64, String)>,
    rejected: u64,
    file: Option<(PathBuf, BufWriter<File>)>,
    /// First line of the file that rejects go to, so that it can be put again.
    header: Arc<OnceLock<Vec<u8>>>,
}

impl Report {
    pub fn new(stream: String, rejects: Option<PathBuf>, header: Arc<OnceLock<Vec<u8>>>) -> Result<Self, Failure> {
        let file = match rejects {
            None => None,
            Some(path) => {
                let file = File::create(&path)
                    .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))?;
                Some((path, BufWriter::new(file)))
            }
        };
        Ok(Self {
            stream,
            written: BTreeMap::new(),
            written_count: 0,
            retried: 0,
            rejects: Vec::new(),
            rejected: 0,
            file,
            header,
        })
    }

    pub fn written(&self) -> u64 {
        self.written_count
    }

    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    pub fn add(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        for (shard, count) in &outcome.written {
            *self.written.entry(shard.clone()).or_default() += count;
            self.written_count += count;
        }
        self.retried += outcome.retried;
        for reject in &outcome.rejects {
            let header = self.header.get().filter(|_| self.rejected == 0);
            self.rejected += 1;
            if self.rejects.len() < LISTED_MAX {
                self.rejects.push((reject.number, reject.reason.clone()));
            }
            if let Some((path, file)) = &mut self.file {
                let mut lines = header.map(Vec::as_slice).into_iter().chain([&reject.data[..]]);
                lines
                    .try_for_each(|line| file.write_all(line).and_then(|()| file.write_all(b"\n")))
                    .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))?;
            }
        }
        Ok(())
    }

    pub fn print(&mut self, elapsed: Duration, format: Format) -> Result<(), Failure> {
        if let Some((path, file)) = &mut self.file {
            file.flush().map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))?;
        }
        if format == Format::Json {
            return output::print_json(&self.json(elapsed));
        }
        self.rejects.sort();
        for (number, reason) in &self.rejects {
            output::say(&format!("not written: line {number}: {reason}"));
        }
        if self.rejected > self.rejects.len() as u64 {
            let more = output::count(self.rejected - self.rejects.len() as u64);
            output::say(&format!("not written: {more} more lines"));
        }
        let mut line = format!(
            "{} {} written to {} in {:.1} s ({} records/s)",
            output::count(self.written_count),
            if self.written_count == 1 { "record" } else { "records" },
            self.stream,
            elapsed.as_secs_f64(),
            output::count(rate(self.written_count, elapsed)),
        );
        if self.retried > 0 {
            line += &format!(", {} tried again", output::count(self.retried));
        }
        if self.rejected > 0 {
            line += &format!("; {} not written", output::count(self.rejected));
        }
        output::print(&line)
    }

    fn json(&self, elapsed: Duration) -> Value {
        json!({
            "StreamName": self.stream,
            "WrittenRecordCount": self.written_count,
            "RejectedRecordCount": self.rejected,
            "RetriedRecordCount": self.retried,
            "Seconds": elapsed.as_secs_f64(),
            "Shards": self.written.iter().map(|(shard, count)| (shard.to_string(), json!(count))).collect::<serde_json::Map<_, _>>(),
            "Rejects": self.rejects.iter().map(|(line, reason)| json!({ "Line": line, "Reason": reason })).collect::<Value>(),
        })
    }
}
