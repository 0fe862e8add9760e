//! Reads the input and cuts it into batches.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use base::Bytes;
use tokio::sync::mpsc;

use super::batch::{Batch, Line, Reject};
use super::key::{KeyFrom, Keys};
use super::record::{Raw, Records};
use crate::failure::Failure;

const BUFFER_BYTES: usize = 1 << 18;

pub struct Input {
    reader: BufReader<Box<dyn Read + Send>>,
    /// When it is known.
    pub bytes_total: Option<u64>,
}

impl Input {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::new(io::stdin(), None));
        }
        let failed = |error: io::Error| Failure::io(format!("cannot read {}", path.display()), &error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(Failure::new(format!("cannot read {}: it is a directory", path.display())));
        }
        let bytes_total = metadata.is_file().then_some(metadata.len());
        Ok(Self::new(file, bytes_total))
    }

    fn new(reader: impl Read + Send + 'static, bytes_total: Option<u64>) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER_BYTES, Box::new(reader)), bytes_total }
    }
}

/// How records are made of the input.
pub struct Source {
    pub key_from: KeyFrom,
    /// What the stream takes of data and key.
    pub record_bytes_max: usize,
    /// Is told the first line of CSV before the first batch.
    pub header: Arc<OnceLock<Vec<u8>>>,
}

impl Source {
    /// Reads everything and hands batches over, until the receiver goes away. What was read before a failure is handed
    /// over too.
    pub fn read(&self, input: Input, batches: &mpsc::Sender<Batch>) -> Result<(), Failure> {
        let mut batch = Batch::default();
        let result = self.fill(input, batches, &mut batch);
        if !batch.is_empty() {
            // A receiver that is gone has said why.
            drop(batches.blocking_send(batch));
        }
        result
    }

    fn fill(&self, input: Input, batches: &mpsc::Sender<Batch>, batch: &mut Batch) -> Result<(), Failure> {
        let is_csv = matches!(self.key_from, KeyFrom::Csv(_));
        // Who writes into a pipe may pause: what is there must not wait for more.
        let is_live = input.bytes_total.is_none();
        let mut records = Records::new(input.reader, is_csv)?;
        if is_csv {
            let raw =
                records.next()?.ok_or_else(|| Failure::new("the input is empty: a line with names is missing"))?;
            batch.input_bytes += raw.bytes;
            self.header.set(raw.data).expect("the input is read once");
        }
        let mut keys = Keys::new(&self.key_from, self.header.get().map(Vec::as_slice)).map_err(Failure::new)?;
        while let Some(raw) = records.next()? {
            batch.input_bytes += raw.bytes;
            let is_blank = is_csv && raw.data.is_empty();
            match line(raw, &mut keys, self.record_bytes_max) {
                _ if is_blank => {}
                Err(reject) => batch.reject(reject),
                Ok(line) => {
                    if batch.is_full_for(&line) && batches.blocking_send(std::mem::take(batch)).is_err() {
                        return Ok(());
                    }
                    batch.push(line);
                }
            }
            let is_due = batch.is_full() || (is_live && !batch.is_empty() && records.is_drained());
            if is_due && batches.blocking_send(std::mem::take(batch)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Finds the key of a record, and checks its size: the server's own words for one that is too large help nobody.
fn line(raw: Raw, keys: &mut Keys, record_bytes_max: usize) -> Result<Line, Reject> {
    let Raw { number, data, len, .. } = raw;
    let data = Bytes::from(data);
    let bytes_max = record_bytes_max as u64;
    let reason = if len > bytes_max {
        format!("the record has {len} bytes, and the stream takes {bytes_max}")
    } else {
        match keys.next(&data) {
            Ok(key) if len + key.len() as u64 > bytes_max => {
                format!(
                    "the record has {} bytes with its key, and the stream takes {bytes_max}",
                    len + key.len() as u64
                )
            }
            Ok(key) => return Ok(Line { number, key, data }),
            Err(reason) => reason,
        }
    };
    Err(Reject { number, data, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &'static str, key_from: KeyFrom, record_bytes_max: usize) -> (Vec<Batch>, Result<(), Failure>) {
        let (sender, mut receiver) = mpsc::channel(4);
        let source = Source { key_from, record_bytes_max, header: Arc::default() };
        let result = source.read(Input::new(text.as_bytes(), Some(text.len() as u64)), &sender);
        let mut batches = Vec::new();
        while let Ok(batch) = receiver.try_recv() {
            batches.push(batch);
        }
        (batches, result)
    }

    #[test]
    fn numbers_count_lines_of_the_input() {
        let (batches, result) = read_all("k,v\na,\"1\n2\"\n\r\n,3\nb,4\n", KeyFrom::Csv("k".to_owned()), 100);
        result.expect("readable");
        let [batch] = &batches[..] else { panic!("one batch, not {}", batches.len()) };
        assert_eq!(batch.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 6]);
        assert_eq!((batch.rejects[0].number, batch.rejects[0].reason.as_str()), (5, "the partition key is empty"));
        assert_eq!(batch.input_bytes, 21);
    }

    #[test]
    fn what_comes_before_a_failure_is_handed_over() {
        let (batches, result) = read_all("k\na\n\"b\nc\n", KeyFrom::Csv("k".to_owned()), 100);
        assert!(result.expect_err("an open quote").message().starts_with("the quote that opens in line 3 "));
        assert_eq!(batches.iter().flat_map(|batch| &batch.lines).map(|line| line.number).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn sizes_are_those_of_data_and_key() {
        let (batches, result) = read_all("12345\n123456\n12345678\n", KeyFrom::Fixed("key".to_owned()), 8);
        result.expect("readable");
        assert_eq!(batches[0].lines.len(), 1);
        let reasons: Vec<_> = batches[0].rejects.iter().map(|reject| (reject.number, reject.reason.as_str())).collect();
        let expected = [
            (2, "the record has 9 bytes with its key, and the stream takes 8"),
            (3, "the record has 11 bytes with its key, and the stream takes 8"),
        ];
        assert_eq!(reasons, expected);
    }
}
