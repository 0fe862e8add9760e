//! What the processors of all workers have seen, in the order in which they saw it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use client::consumer::{Batch, Checkpointer, ConsumerRecord, RecordProcessor};
use client::producer::UserRecord;

const KEYS: usize = 1000;

/// The user record of a number.
pub(super) fn record(number: usize) -> UserRecord {
    UserRecord {
        partition_key: format!("key-{}", number % KEYS).into(),
        explicit_hash_key: None,
        data: format!("{number}:{}", "x".repeat(number % 100)).into(),
    }
}

/// One processing of one record.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Nanoseconds since the epoch, comparable between processes.
    pub at: u128,
    pub key: String,
    pub data: String,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    pub everything: Vec<Seen>,
    /// For each number, whether it was seen.
    seen: Vec<bool>,
    /// The highest number of each key that was seen for the first time.
    last: HashMap<usize, usize>,
    pub distinct: usize,
    pub repeated: usize,
    pub handed_over: usize,
    pub lost: usize,
    pub ended: usize,
    pub problems: Vec<String>,
}

impl Log {
    /// What is told by several workers, in the order of time.
    pub(super) fn of(mut everything: Vec<Seen>) -> Self {
        everything.sort_by_key(|seen| seen.at);
        let mut log = Self::default();
        everything.into_iter().for_each(|seen| log.see(seen));
        log
    }

    fn see(&mut self, found: Seen) {
        self.check(&found);
        self.everything.push(found);
    }

    fn check(&mut self, found: &Seen) {
        let text = &found.data;
        let Some(number) = text.split(':').next().and_then(|number| number.parse::<usize>().ok()) else {
            self.problems.push(format!("{text:?} was never put"));
            return;
        };
        let expected = record(number);
        if (found.key.as_str(), found.data.as_bytes()) != (&*expected.partition_key, &*expected.data) {
            self.problems.push(format!("record {number} is damaged"));
        }
        if self.seen.len() <= number {
            self.seen.resize(number + 1, false);
        }
        if std::mem::replace(&mut self.seen[number], true) {
            self.repeated += 1;
            return;
        }
        self.distinct += 1;
        let before = self.last.insert(number % KEYS, number);
        if before.is_some_and(|before| before > number) {
            self.problems.push(format!("{number} comes after {before:?} of the same key"));
        }
    }
}

fn seen(record: &ConsumerRecord) -> Seen {
    Seen {
        at: UNIX_EPOCH.elapsed().expect("the clock is right").as_nanos(),
        key: record.partition_key.to_string(),
        data: String::from_utf8_lossy(&record.data).into_owned(),
    }
}

/// One shard's processor.
pub(super) struct Logger(pub Arc<Mutex<Log>>);

impl Logger {
    fn note(&self, note: impl FnOnce(&mut Log)) {
        note(&mut self.0.lock().expect("nothing panics while it holds the lock"));
    }
}

impl RecordProcessor for Logger {
    async fn process(&mut self, batch: Batch, checkpointer: &Checkpointer) {
        self.note(|log| batch.records.iter().for_each(|record| log.see(seen(record))));
        // A failure is no harm: the records come again.
        drop(checkpointer.checkpoint().await);
    }

    async fn lease_lost(&mut self) {
        self.note(|log| log.lost += 1);
    }

    async fn shard_ended(&mut self) {
        self.note(|log| log.ended += 1);
    }

    async fn shutdown_requested(&mut self, checkpointer: &Checkpointer) {
        self.note(|log| log.handed_over += 1);
        drop(checkpointer.checkpoint().await);
    }
}
