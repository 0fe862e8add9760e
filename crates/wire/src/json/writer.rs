//! Writes shapes as compact JSON. Some clients look for `"FailedRecordCount":0` byte by byte, so no space is
//! ever put between tokens.

use std::io::Write as _;

use base::codec::Writer;
use base::time::Timestamp;

use super::scan;
use crate::base64;

/// A [`Writer`] that appends one awsJson value to a buffer.
#[derive(Debug)]
pub struct JsonWriter<'a> {
    out: &'a mut Vec<u8>,
    /// The next element of the current container needs a comma before it.
    comma: bool,
}

impl<'a> JsonWriter<'a> {
    #[must_use]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Goes before every value and every name: separates it from what came before.
    #[inline]
    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.comma = true;
    }

    fn quoted(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.out.reserve(bytes.len() + 2);
        self.out.push(b'"');
        if scan::is_plain(bytes) {
            self.put(bytes);
        } else {
            self.escaped(bytes);
        }
        self.out.push(b'"');
    }

    fn escaped(&mut self, bytes: &[u8]) {
        let mut start = 0;
        loop {
            let end = scan::plain_end(bytes, start);
            self.put(&bytes[start..end]);
            let Some(special) = bytes.get(end) else { break };
            self.escape(*special);
            start = end + 1;
        }
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'"' => self.put(b"\\\""),
            b'\\' => self.put(b"\\\\"),
            b'\n' => self.put(b"\\n"),
            b'\r' => self.put(b"\\r"),
            b'\t' => self.put(b"\\t"),
            _ => write!(self.out, "\\u{byte:04x}").expect("a buffer in memory takes every write"),
        }
    }

    fn whole(&mut self, value: i64) {
        self.separate();
        self.put(itoa::Buffer::new().format(value).as_bytes());
    }
}

impl Writer for JsonWriter<'_> {
    fn begin_struct(&mut self) {
        self.open(b'{');
    }

    fn field(&mut self, name: &'static str) {
        self.out.reserve(name.len() + 4);
        self.separate();
        self.out.push(b'"');
        self.put(name.as_bytes());
        self.put(b"\":");
        self.comma = false;
    }

    fn end_struct(&mut self) {
        self.close(b'}');
    }

    fn begin_list(&mut self, _len: usize) {
        self.open(b'[');
    }

    fn end_list(&mut self) {
        self.close(b']');
    }

    fn begin_map(&mut self, _len: usize) {
        self.open(b'{');
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.quoted(key);
        self.put(b":");
        self.comma = false;
    }

    fn end_map(&mut self) {
        self.close(b'}');
    }

    fn string(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }

    fn blob(&mut self, value: &[u8]) {
        self.separate();
        self.out.push(b'"');
        base64::encode(self.out, value);
        self.out.push(b'"');
    }

    fn boolean(&mut self, value: bool) {
        self.separate();
        self.put(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, value: i32) {
        self.whole(i64::from(value));
    }

    fn long(&mut self, value: i64) {
        self.whole(value);
    }

    fn double(&mut self, value: f64) {
        self.separate();
        if value.is_finite() {
            write!(self.out, "{value:?}").expect("a buffer in memory takes every write");
        } else if value.is_nan() {
            self.put(b"\"NaN\"");
        } else {
            self.put(if value > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
        }
    }

    /// Seconds, with three digits for the milliseconds when there are any.
    fn timestamp(&mut self, value: Timestamp) {
        self.separate();
        let millis = value.millis();
        if millis < 0 {
            self.put(b"-");
        }
        let (seconds, rest) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
        self.put(itoa::Buffer::new().format(seconds).as_bytes());
        if rest != 0 {
            let digit = |n: u64| b'0' + (n % 10) as u8;
            self.put(&[b'.', digit(rest / 100), digit(rest / 10), digit(rest)]);
        }
    }
}
