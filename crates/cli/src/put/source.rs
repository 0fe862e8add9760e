//! Reads the input and cuts it into batches.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use base::Bytes;
use tokio::sync::mpsc;

use super::batch::{Batch, Line, RECORD_BYTES_MAX, Reject};
use super::key::{KeyFrom, Keys};
use crate::failure::Failure;

pub type Input = Box<dyn BufRead + Send>;

/// Opens the input; with its size when that is known.
pub fn open(path: &Path) -> Result<(Input, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let failed = |error: io::Error| Failure::io(format!("cannot read {}", path.display()), &error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(Failure::new(format!("cannot read {}: it is a directory", path.display())));
    }
    let size = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(BufReader::with_capacity(1 << 18, file)), size))
}

/// Reads everything and hands batches over, until the receiver goes away.
pub fn read(mut input: Input, key_from: KeyFrom, batches: &mpsc::Sender<Batch>) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io("cannot read the input", &error);
    let is_csv = matches!(key_from, KeyFrom::Csv(_));
    let mut number = 1;
    let mut batch = Batch::default();
    let mut header = None;
    if is_csv {
        let raw = next(&mut input, is_csv).map_err(failed)?.unwrap_or_default();
        batch.input_bytes += raw.bytes;
        number += raw.lines;
        header = Some(raw.data);
    }
    let mut keys = Keys::new(&key_from, header.as_deref()).map_err(Failure::new)?;
    while let Some(raw) = next(&mut input, is_csv).map_err(failed)? {
        batch.input_bytes += raw.bytes;
        let data = Bytes::from(raw.data);
        let key = if raw.is_cut { Err("longer than 10 MiB".to_owned()) } else { keys.next(&data) };
        match key {
            Err(reason) => batch.rejects.push(Reject { number, data, reason }),
            Ok(key) if key.len() + data.len() > RECORD_BYTES_MAX => {
                batch.rejects.push(Reject { number, data, reason: "longer than 10 MiB with its key".to_owned() });
            }
            Ok(key) => {
                let line = Line { number, key, data };
                if batch.is_full_for(&line) && batches.blocking_send(std::mem::take(&mut batch)).is_err() {
                    return Ok(());
                }
                batch.push(line);
            }
        }
        number += raw.lines;
        if batch.is_full() && batches.blocking_send(std::mem::take(&mut batch)).is_err() {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        // A receiver that is gone has said why.
        drop(batches.blocking_send(batch));
    }
    Ok(())
}

/// What one record is made of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Raw {
    /// Without the end of the last line.
    data: Vec<u8>,
    lines: u64,
    /// Read from the input.
    bytes: u64,
    /// Whether there was more than is kept.
    is_cut: bool,
}

/// The next line; in CSV, a line whose quotes are open takes the next ones along.
fn next(input: &mut dyn BufRead, is_csv: bool) -> io::Result<Option<Raw>> {
    let mut raw = Raw::default();
    let mut is_quoted = false;
    loop {
        let start = raw.data.len();
        let room = (RECORD_BYTES_MAX + 2).saturating_sub(start);
        let read = input.take(room as u64).read_until(b'\n', &mut raw.data)?;
        raw.bytes += read as u64;
        let line = &raw.data[start..];
        let is_ended = line.last() == Some(&b'\n');
        let is_at_end = read < room && !is_ended;
        if is_csv && line.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
            is_quoted = !is_quoted;
        }
        raw.lines += u64::from(read > 0);
        if !is_ended && !is_at_end {
            raw.is_cut = true;
            raw.bytes += skip_line(input)?;
            raw.data.truncate(RECORD_BYTES_MAX);
            return Ok(Some(raw));
        }
        if is_quoted && is_ended {
            continue;
        }
        if is_ended {
            raw.data.pop();
        }
        return Ok((raw.bytes > 0).then_some(raw));
    }
}

/// Reads to the end of the line and forgets it.
fn skip_line(input: &mut dyn BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        input.consume(used);
        skipped += used as u64;
        if end.is_some() || used == 0 {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, is_csv: bool) -> Vec<(String, u64)> {
        let mut input = text.as_bytes();
        let mut found = Vec::new();
        while let Some(raw) = next(&mut input, is_csv).expect("memory does not fail") {
            assert!(!raw.is_cut);
            found.push((String::from_utf8(raw.data).expect("text"), raw.lines));
        }
        found
    }

    #[test]
    fn lines_and_csv_records() {
        let one = |text: &str| (text.to_owned(), 1);
        assert_eq!(lines("a\n\nb\r\nc", false), [one("a"), one(""), one("b\r"), one("c")]);
        assert_eq!(lines("", false), []);
        assert_eq!(lines("a,\"b\nc\"\nd\n", true), [("a,\"b\nc\"".to_owned(), 2), one("d")]);
        assert_eq!(lines("\"open\nto the end", true), [("\"open\nto the end".to_owned(), 2)]);
    }

    #[test]
    fn endless_lines_are_cut_and_left_behind() {
        let text = [vec![b'x'; RECORD_BYTES_MAX + 100], b"\nnext\n".to_vec()].concat();
        let mut input = &text[..];
        let first = next(&mut input, false).expect("memory").expect("a line");
        assert!(first.is_cut && first.bytes as usize == RECORD_BYTES_MAX + 101);
        assert_eq!(next(&mut input, false).expect("memory").expect("a line").data, b"next");
    }

    #[test]
    fn numbers_count_lines_of_the_input() {
        let (sender, mut receiver) = mpsc::channel(4);
        let input: Input = Box::new(io::Cursor::new("k,v\na,\"1\n2\"\n,3\nb,4\n"));
        read(input, KeyFrom::Csv("k".to_owned()), &sender).expect("readable");
        let batch = receiver.try_recv().expect("one batch");
        let numbers: Vec<u64> = batch.lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 5]);
        assert_eq!((batch.rejects[0].number, batch.rejects[0].reason.as_str()), (4, "the partition key is empty"));
        assert_eq!(batch.input_bytes, 19);
    }
}
