//! Cuts the input into records: a line each or, in CSV, more when a quoted field has ends of lines in it.

use std::io::{self, BufRead as _, BufReader, Read};

use super::batch::RECORD_BYTES_MAX;
use super::csv::Place;
use crate::failure::Failure;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What one record is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// Of its first line, from 1.
    pub number: u64,
    /// Without the end of the last line, LF or CRLF. Cut where no stream takes more.
    pub data: Vec<u8>,
    /// Of the data, with what was cut off.
    pub len: u64,
    /// Read from the input.
    pub bytes: u64,
}

pub struct Records<R> {
    input: BufReader<R>,
    is_csv: bool,
    /// Number of the line that is read next.
    line: u64,
}

/// Quotes of the record that is being read.
#[derive(Default)]
struct Quotes {
    place: Place,
    /// Line of the quote that opened last.
    opened: u64,
}

impl<R: Read> Records<R> {
    pub fn new(mut input: BufReader<R>, is_csv: bool) -> Result<Self, Failure> {
        if is_csv && input.fill_buf().map_err(|error| unreadable(&error))?.starts_with(BYTE_ORDER_MARK) {
            input.consume(BYTE_ORDER_MARK.len());
        }
        Ok(Self { input, is_csv, line: 1 })
    }

    /// Whether the next record may have to be waited for.
    pub fn is_drained(&self) -> bool {
        !self.input.buffer().contains(&b'\n')
    }

    /// The next record.
    ///
    /// # Errors
    /// When the input cannot be read, or a quote opens and does not close: where records end is then unknown.
    pub fn next(&mut self) -> Result<Option<Raw>, Failure> {
        let mut raw = Raw { number: self.line, ..Default::default() };
        let mut quotes = Quotes::default();
        let mut last = 0;
        loop {
            let buffer = self.input.fill_buf().map_err(|error| unreadable(&error))?;
            if buffer.is_empty() {
                if quotes.place == Place::Quoted {
                    return Err(open_quote(quotes.opened, raw.number, "is not closed"));
                }
                raw.len = raw.bytes;
                return Ok((raw.bytes > 0).then_some(raw));
            }
            let end = if self.is_csv {
                record_end(buffer, &mut self.line, &mut quotes, raw.number)?
            } else {
                buffer.iter().position(|byte| *byte == b'\n')
            };
            let taken = &buffer[..end.unwrap_or(buffer.len())];
            let room = RECORD_BYTES_MAX - raw.data.len();
            raw.data.extend_from_slice(&taken[..taken.len().min(room)]);
            raw.bytes += taken.len() as u64;
            last = taken.last().copied().unwrap_or(last);
            let used = taken.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                self.line += 1;
                raw.len = raw.bytes - u64::from(last == b'\r');
                raw.bytes += 1;
                raw.data.truncate(usize::try_from(raw.len).unwrap_or(usize::MAX));
                return Ok(Some(raw));
            }
            if quotes.place == Place::Quoted && raw.bytes > RECORD_BYTES_MAX as u64 {
                return Err(open_quote(quotes.opened, raw.number, "is not closed within 10 MiB"));
            }
        }
    }
}

/// Position of the end of line that ends a CSV record, if it is in `bytes`. Counts the lines before it.
fn record_end(bytes: &[u8], line: &mut u64, quotes: &mut Quotes, first: u64) -> Result<Option<usize>, Failure> {
    for (at, byte) in bytes.iter().enumerate() {
        let next = quotes.place.after(*byte);
        match (quotes.place, next) {
            (Place::FieldStart, Place::Quoted) => quotes.opened = *line,
            // Within a line that is harmless. Over several it is the work of a quote that someone forgot to close.
            (Place::Closing, Place::Plain) if *byte != b'\r' && quotes.opened < *line => {
                let how = format!("closes in the middle of a field in line {line}");
                return Err(open_quote(quotes.opened, first, &how));
            }
            _ => {}
        }
        quotes.place = next;
        if *byte == b'\n' {
            if next == Place::FieldStart {
                return Ok(Some(at));
            }
            *line += 1;
        }
    }
    Ok(None)
}

fn open_quote(opened: u64, first: u64, how: &str) -> Failure {
    Failure::new(format!("the quote that opens in line {opened} {how}; nothing from line {first} on was written"))
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::io("cannot read the input", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and texts of the records, and why reading ended early. Cuts of the buffer are everywhere.
    fn check(text: &str, is_csv: bool, expected: &[(u64, &str)], expected_error: Option<&str>) {
        for capacity in [3, 4, 1000] {
            let mut records =
                Records::new(BufReader::with_capacity(capacity, text.as_bytes()), is_csv).expect("memory");
            let mut found = Vec::new();
            let mut bytes = 0;
            let error = loop {
                match records.next() {
                    Ok(Some(raw)) => {
                        assert_eq!(raw.len, raw.data.len() as u64);
                        bytes += raw.bytes;
                        found.push((raw.number, String::from_utf8(raw.data).expect("text")));
                    }
                    Ok(None) => break None,
                    Err(failure) => break Some(failure.message().to_owned()),
                }
            };
            let expected: Vec<_> = expected.iter().map(|(number, text)| (*number, (*text).to_owned())).collect();
            assert_eq!((found, error.as_deref()), (expected, expected_error), "{text:?}");
            assert!(error.is_some() || text.len() as u64 - bytes <= 3, "all but a byte order mark is counted");
        }
    }

    #[test]
    fn lines() {
        check("a\n\nb\r\n\r\n\"c\r", false, &[(1, "a"), (2, ""), (3, "b"), (4, ""), (5, "\"c\r")], None);
        check("", false, &[], None);
        check("\n", false, &[(1, "")], None);
    }

    #[test]
    fn csv_records() {
        check("\u{feff}\"a\nx\",\"b\r\nc\"\r\nd", true, &[(1, "\"a\nx\",\"b\r\nc\""), (4, "d")], None);
        check("3.5\" disk,1\n\"a\"\"\n\",2\n", true, &[(1, "3.5\" disk,1"), (2, "\"a\"\"\n\",2")], None);
        check("\"a\"b,\"c\" ,d\ne\n", true, &[(1, "\"a\"b,\"c\" ,d"), (2, "e")], None);
    }

    #[test]
    fn quotes_that_stay_open() {
        check(
            "k,v\na,\"b\nc,d\n",
            true,
            &[(1, "k,v")],
            Some("the quote that opens in line 2 is not closed; nothing from line 2 on was written"),
        );
        check(
            "\"a\nb\",\"c\nd",
            true,
            &[],
            Some("the quote that opens in line 2 is not closed; nothing from line 1 on was written"),
        );
        check(
            "k\na,\"b\nc,\"d\"\n",
            true,
            &[(1, "k")],
            Some(
                "the quote that opens in line 2 closes in the middle of a field in line 3; nothing from line 2 on was written",
            ),
        );
        let endless = [b"\"".to_vec(), vec![b'\n'; RECORD_BYTES_MAX + (1 << 16)], b"\"\nb\n".to_vec()].concat();
        let mut records = Records::new(BufReader::new(&endless[..]), true).expect("memory");
        assert_eq!(
            records.next().map(|raw| raw.map(|raw| raw.number)).expect_err("too much").message(),
            "the quote that opens in line 1 is not closed within 10 MiB; nothing from line 1 on was written"
        );
    }

    #[test]
    fn endless_lines_are_cut_and_left_behind() {
        let text = [vec![b'x'; RECORD_BYTES_MAX + 100], b"\r\nnext\n".to_vec()].concat();
        for is_csv in [false, true] {
            let mut records = Records::new(BufReader::new(&text[..]), is_csv).expect("memory");
            let first = records.next().expect("memory").expect("a line");
            assert_eq!((first.data.len(), first.len), (RECORD_BYTES_MAX, RECORD_BYTES_MAX as u64 + 100));
            assert_eq!(first.bytes, first.len + 2);
            let next = records.next().expect("memory").expect("a line");
            assert_eq!((next.number, &next.data[..]), (2, &b"next"[..]));
        }
    }
}
