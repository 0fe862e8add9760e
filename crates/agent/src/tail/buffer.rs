//! What has been read of a file and is in no record yet.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use memchr::memchr;

use crate::config::JavaPattern;

/// The most that is kept to find the end of one record.
pub const RECORD_BYTES_MAX: usize = 5 << 20;
/// Read at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// Finds where records end.
#[derive(Debug, Default)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the first record begins.
    start: usize,
    /// Where the line begins that is looked at, and up to where it was looked through for its end.
    line_start: usize,
    looked_to: usize,
}

impl LineBuffer {
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub fn is_full(&self) -> bool {
        self.len() >= RECORD_BYTES_MAX
    }

    /// Reads on, from that place of the file; answers how many bytes came.
    pub fn fill(&mut self, file: &File, at: u64, bytes_max: u64) -> io::Result<usize> {
        self.bytes.drain(..self.start);
        self.line_start -= self.start;
        self.looked_to -= self.start;
        self.start = 0;
        let length = self.bytes.len();
        let wanted = CHUNK_BYTES.min(RECORD_BYTES_MAX.saturating_sub(length));
        let wanted = wanted.min(usize::try_from(bytes_max).unwrap_or(usize::MAX));
        self.bytes.resize(length + wanted, 0);
        let read = file.read_at(&mut self.bytes[length..], at);
        self.bytes.truncate(length + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Bytes up to the end of the first record, if it is there: a line, or with a pattern all lines up to the next one
    /// that it matches.
    pub fn next_end(&mut self, start_pattern: Option<&JavaPattern>) -> Option<usize> {
        loop {
            let Some(found) = memchr(b'\n', &self.bytes[self.looked_to..]) else {
                self.looked_to = self.bytes.len();
                return None;
            };
            let newline = self.looked_to + found;
            let Some(pattern) = start_pattern else {
                return Some(newline + 1 - self.start);
            };
            let line = String::from_utf8_lossy(&self.bytes[self.line_start..newline]);
            // The first line belongs to the record, whatever it is.
            if self.line_start > self.start && pattern.is_match(&line) {
                return Some(self.line_start - self.start);
            }
            self.line_start = newline + 1;
            self.looked_to = newline + 1;
        }
    }

    /// Bytes of the lines of a multi-line record that has no end yet.
    pub fn complete_lines(&self) -> usize {
        self.line_start - self.start
    }

    /// Takes bytes from the start: they are in a record, or in none for ever.
    pub fn take(&mut self, bytes: usize) -> &[u8] {
        let from = self.start;
        self.start += bytes;
        self.line_start = self.start;
        self.looked_to = self.start;
        &self.bytes[from..self.start]
    }

    /// Gives memory back once there is nothing in it.
    pub fn rest(&mut self) {
        if self.len() == 0 {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::config::Reach;

    /// Reads a file of these parts, one after the other, into records.
    fn records(parts: &[&str], pattern: Option<&str>) -> Vec<String> {
        let pattern = pattern.map(|pattern| JavaPattern::new(pattern, Reach::Start).expect("valid"));
        let mut file = tempfile::tempfile().expect("a file");
        let mut buffer = LineBuffer::default();
        let (mut records, mut at) = (Vec::new(), 0);
        for part in parts {
            file.write_all(part.as_bytes()).expect("written");
            at += buffer.fill(&file, at, u64::MAX).expect("read") as u64;
            while let Some(end) = buffer.next_end(pattern.as_ref()) {
                records.push(String::from_utf8(buffer.take(end).to_vec()).expect("text"));
            }
        }
        let lines = buffer.complete_lines();
        records.push(format!("{lines} of {}", buffer.len()));
        records
    }

    #[test]
    fn lines_are_records() {
        assert_eq!(records(&["a\nb", "c\n\nd"], None), ["a\n", "bc\n", "\n", "0 of 1"]);
    }

    #[test]
    fn a_record_begins_where_the_pattern_matches() {
        assert_eq!(
            records(&["x\n#1\n a", "\n b\n#", "2\n#3\n c\nd"], Some("#")),
            ["x\n", "#1\n a\n b\n", "#2\n", "6 of 7"]
        );
    }
}
