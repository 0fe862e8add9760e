//! Makes batches of records: full by count or size, or old enough.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::time::Timestamp;

use crate::config::Flow;
use crate::positions::FileKey;
use crate::record::{Batch, RecordMaker};
use crate::stats::Stats;

pub struct Assembler {
    flow: Arc<Flow>,
    stats: Arc<Stats>,
    maker: RecordMaker,
    open: Batch,
    /// When the first thing came into what is open.
    opened: Option<Timestamp>,
    /// Data that still grows to be one record.
    joined: Joined,
    ready: VecDeque<Batch>,
}

#[derive(Default)]
struct Joined {
    data: Vec<u8>,
    ends: Batch,
}

impl Assembler {
    pub fn new(flow: Arc<Flow>, stats: Arc<Stats>) -> Self {
        let maker = RecordMaker::new(&flow.destination, flow.partition_key, &flow.truncated_record_terminator);
        Self {
            flow,
            stats,
            maker,
            open: Batch::default(),
            opened: None,
            joined: Joined::default(),
            ready: VecDeque::new(),
        }
    }

    /// Takes what was read of a file up to `end`.
    pub fn add(&mut self, key: FileKey, end: u64, raw: &[u8], now: Timestamp) {
        self.stats.parsed.fetch_add(1, Ordering::Relaxed);
        self.stats.parsed_bytes.fetch_add(raw.len() as u64, Ordering::Relaxed);
        let flow = Arc::clone(&self.flow);
        match flow.transforms.apply(raw) {
            None => {
                self.stats.skipped.fetch_add(1, Ordering::Relaxed);
                self.pass_over(key, end, now);
            }
            Some(data) if flow.aggregated_record_bytes == 0 => {
                self.push(data.into_owned(), &[(key, end)]);
                self.note_age(now);
            }
            Some(data) => {
                if self.joined.data.len() + data.len() > flow.aggregated_record_bytes {
                    self.push_joined();
                }
                if !self.joined.data.is_empty() {
                    self.stats.joined.fetch_add(1, Ordering::Relaxed);
                }
                self.joined.data.extend_from_slice(&data);
                self.joined.ends.reach(key, end);
                self.note_age(now);
            }
        }
    }

    /// What was read of a file up to `end` is not sent; it is done once all that came before is.
    pub fn pass_over(&mut self, key: FileKey, end: u64, now: Timestamp) {
        let before = if self.joined.data.is_empty() { &mut self.open } else { &mut self.joined.ends };
        before.reach(key, end);
        self.note_age(now);
    }

    /// Closes what is open for as long as it may be.
    pub fn close_aged(&mut self, now: Timestamp) {
        if self.opened.is_some_and(|opened| now.since(opened) >= self.flow.buffer_age_max) {
            self.close();
        }
    }

    /// Closes what is open.
    pub fn close(&mut self) {
        self.push_joined();
        self.close_batch();
        self.opened = None;
    }

    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next batch that is closed.
    pub fn next_ready(&mut self) -> Option<Batch> {
        self.ready.pop_front()
    }

    /// Takes a batch back that nobody could take.
    pub fn give_back(&mut self, batch: Batch) {
        self.ready.push_front(batch);
    }

    fn push_joined(&mut self) {
        let joined = std::mem::take(&mut self.joined);
        if !joined.data.is_empty() {
            self.push(joined.data, &joined.ends.ends);
        }
    }

    fn push(&mut self, data: Vec<u8>, ends: &[(FileKey, u64)]) {
        let record = self.maker.make(data);
        if !self.open.records.is_empty() && self.open.bytes + record.bytes() > self.flow.buffer_bytes_max {
            self.close_batch();
        }
        self.open.bytes += record.bytes();
        self.open.records.push(record);
        for (key, end) in ends {
            self.open.reach(*key, *end);
        }
        if self.open.records.len() >= self.flow.buffer_records_max {
            self.close_batch();
        }
    }

    fn close_batch(&mut self) {
        if !self.open.is_empty() {
            self.ready.push_back(std::mem::take(&mut self.open));
        }
        self.opened = None;
    }

    fn note_age(&mut self, now: Timestamp) {
        if !self.open.is_empty() || !self.joined.data.is_empty() {
            self.opened.get_or_insert(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::positions::Positions;

    fn assembler(flow: &str) -> Assembler {
        let (config, _) =
            Config::parse(&format!(r#"{{"flows": [{{"filePattern": "/a/b", {flow}}}]}}"#)).expect("valid");
        Assembler::new(Arc::new(config.flows[0].clone()), Arc::default())
    }

    fn key() -> FileKey {
        let positions = Positions::new(crate::positions::Flows::new());
        positions.add("f", crate::positions::Position::default())
    }

    /// Data of the records, and the end, of each batch that is ready.
    fn ready(assembler: &mut Assembler) -> Vec<(Vec<String>, u64)> {
        let text = |record: &crate::record::Record| String::from_utf8(record.data.to_vec()).expect("text");
        std::iter::from_fn(|| assembler.next_ready())
            .map(|batch| (batch.records.iter().map(text).collect(), batch.ends[0].1))
            .collect()
    }

    #[test]
    fn batches_are_full_by_count_by_size_and_by_age() {
        let start = Timestamp::from_millis(0);
        let mut out = assembler(r#""kinesisStream": "s", "maxBufferSizeRecords": 2, "maxBufferSizeBytes": 60"#);
        out.add(key(), 1, b"a", start);
        assert!(!out.is_ready());
        out.add(key(), 2, b"b", start);
        assert_eq!(ready(&mut out), [(vec!["a".to_owned(), "b".to_owned()], 2)]);
        out.add(key(), 3, b"c", start);
        let large = "d".repeat(50);
        out.add(key(), 53, large.as_bytes(), start.plus(Duration::from_secs(1)));
        assert_eq!(ready(&mut out), [(vec!["c".to_owned()], 3)]);
        out.close_aged(start.plus(Duration::from_millis(60_999)));
        assert_eq!(ready(&mut out), []);
        out.close_aged(start.plus(Duration::from_secs(61)));
        assert_eq!(ready(&mut out), [(vec![large], 53)]);
    }

    #[test]
    fn what_is_not_sent_is_done_after_what_came_before() {
        let start = Timestamp::from_millis(0);
        let mut out = assembler(
            r#""kinesisStream": "s", "dataProcessingOptions": [{"optionName": "LOGTOJSON", "logFormat": "SYSLOG"}]"#,
        );
        out.add(key(), 5, b"none\n", start);
        out.close();
        assert_eq!(ready(&mut out), [(Vec::new(), 5)]);
    }

    #[test]
    fn records_for_delivery_streams_are_joined() {
        let start = Timestamp::from_millis(0);
        let mut out = assembler(r#""deliveryStream": "d", "aggregatedRecordSizeBytes": 5"#);
        for (end, data) in [(2, "a\n"), (4, "b\n"), (6, "c\n"), (14, "1234567\n")] {
            out.add(key(), end, data.as_bytes(), start);
        }
        out.pass_over(key(), 20, start);
        out.close();
        let records = ["a\nb\n", "c\n", "1234567\n"].map(str::to_owned).to_vec();
        assert_eq!(ready(&mut out), [(records, 20)]);
    }
}
