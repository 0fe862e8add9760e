//! Pulls shapes out of a CBOR body. Strings and blobs of definite length are slices of the body.
//!
//! Lengths that the body declares are believed only as far as the body reaches: nothing is allocated by them.

use std::ops::Range;

use base::codec::{DecodeError, Reader};
use base::time::Timestamp;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::Dialect;
use super::head::{self, Head};
use crate::DEPTH_MAX;
use crate::coral::{self, Found, Wanted, floor, saturate, wrong_type};
use crate::structures::Structures;

/// CBOR's tag for a time since the epoch.
const TAG_EPOCH: u64 = 1;

/// A [`Reader`] over one CBOR body.
#[derive(Debug)]
pub struct CborReader {
    body: Bytes,
    at: usize,
    dialect: Dialect,
    structures: Structures,
    /// Elements left in each open container, the innermost last; `None` when only a break ends it.
    open: Vec<Option<u64>>,
}

/// A number of either kind.
enum Number {
    Whole(i64),
    Float(f64),
}

impl CborReader {
    #[must_use]
    pub fn new(body: Bytes, dialect: Dialect) -> Self {
        Self { body, at: 0, dialect, structures: Structures::default(), open: Vec::with_capacity(8) }
    }

    /// The head of the next item and where it ends.
    #[inline]
    fn peek(&self) -> Result<(Head, usize), DecodeError> {
        head::read(&self.body, self.at)
    }

    fn enter(&mut self, len: Option<u64>, end: usize) -> Result<(), DecodeError> {
        if self.open.len() == DEPTH_MAX {
            return Err(DecodeError::malformed());
        }
        self.at = end;
        self.open.push(len);
        Ok(())
    }

    fn enter_map(&mut self, wanted: Wanted) -> Result<(), DecodeError> {
        match self.peek()? {
            (Head::Map(len), end) => self.enter(len, end),
            (other, _) => Err(self.wrong(wanted, other)),
        }
    }

    /// Moves to the next element of the current container; leaves it when it ends here.
    fn advance(&mut self) -> Result<bool, DecodeError> {
        let ends = match self.open.last_mut().ok_or_else(DecodeError::malformed)? {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => self.take_break(),
        };
        if ends {
            self.open.pop();
        }
        Ok(!ends)
    }

    fn take_break(&mut self) -> bool {
        let is_break = self.body.get(self.at) == Some(&0xff);
        self.at += usize::from(is_break);
        is_break
    }

    fn is_null(&self) -> Result<bool, DecodeError> {
        Ok(self.peek()?.0 == Head::Null)
    }

    /// Takes the content of a string whose head ends at `start`.
    #[inline]
    fn content(&mut self, start: usize, len: u64) -> Result<Range<usize>, DecodeError> {
        let end = usize::try_from(len).ok().and_then(|len| start.checked_add(len));
        let end = end.filter(|end| *end <= self.body.len()).ok_or_else(DecodeError::malformed)?;
        self.at = end;
        Ok(start..end)
    }

    /// Takes the chunks of a string of indefinite length whose head ends at `start`; `len_of` tells a chunk's
    /// length from its head.
    fn chunks(
        &mut self,
        start: usize,
        len_of: fn(Head) -> Option<u64>,
        mut take: impl FnMut(&[u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.at = start;
        while !self.take_break() {
            let (head, end) = self.peek()?;
            let len = len_of(head).ok_or_else(DecodeError::malformed)?;
            let range = self.content(end, len)?;
            take(&self.body[range])?;
        }
        Ok(())
    }

    fn text(&mut self, start: usize, len: Option<u64>) -> Result<ByteString, DecodeError> {
        if let Some(len) = len {
            let range = self.content(start, len)?;
            return ByteString::try_from(self.body.slice(range)).map_err(|_| DecodeError::malformed());
        }
        let mut text = String::new();
        self.chunked_text(start, &mut text)?;
        Ok(text.into())
    }

    /// Takes a text of indefinite length whose head ends at `start`.
    fn chunked_text(&mut self, start: usize, out: &mut String) -> Result<(), DecodeError> {
        self.chunks(start, text_len, |chunk| {
            out.push_str(utf8(chunk)?);
            Ok(())
        })
    }

    /// Takes a member's name and returns its index in `names`.
    fn key_index(&mut self, names: &[&str]) -> Result<Option<usize>, DecodeError> {
        match self.peek()? {
            (Head::Text(Some(len)), end) => {
                let range = self.content(end, len)?;
                let name = &self.body[range];
                let index = names.iter().position(|n| n.as_bytes() == name);
                if index.is_none() {
                    utf8(name)?;
                }
                Ok(index)
            }
            (Head::Text(None), end) => {
                let name = self.text(end, None)?;
                Ok(names.iter().position(|n| name == *n))
            }
            _ => Err(DecodeError::malformed()),
        }
    }

    /// Passes over one value. Recursion is bounded by the depth limit.
    fn skip(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > DEPTH_MAX {
            return Err(DecodeError::malformed());
        }
        let (head, end) = self.peek()?;
        self.at = end;
        match head {
            Head::List(len) => self.skip_elements(len, 1, depth),
            Head::Map(len) => self.skip_elements(len, 2, depth),
            Head::Tag(_) => self.skip(depth + 1),
            Head::Bytes(Some(len)) => self.content(end, len).map(drop),
            Head::Bytes(None) => self.chunks(end, bytes_len, |_| Ok(())),
            Head::Text(Some(len)) => {
                let range = self.content(end, len)?;
                utf8(&self.body[range]).map(drop)
            }
            Head::Text(None) => self.chunks(end, text_len, |chunk| utf8(chunk).map(drop)),
            Head::Break => Err(DecodeError::malformed()),
            Head::Unsigned(_) | Head::Negative(_) => Ok(()),
            Head::Float(_) | Head::Boolean(_) | Head::Null | Head::Simple => Ok(()),
        }
    }

    /// Each element takes at least one byte, so a length that the body does not bear out ends in an error soon.
    fn skip_elements(&mut self, len: Option<u64>, values_each: u64, depth: usize) -> Result<(), DecodeError> {
        let mut left = len;
        loop {
            match &mut left {
                Some(0) => return Ok(()),
                Some(count) => *count -= 1,
                None if self.take_break() => return Ok(()),
                None => {}
            }
            for _ in 0..values_each {
                self.skip(depth + 1)?;
            }
        }
    }

    fn number(&mut self, wanted: Wanted) -> Result<Number, DecodeError> {
        let (head, end) = self.peek()?;
        let number = match head {
            Head::Unsigned(value) => Number::Whole(i64::try_from(value).unwrap_or(i64::MAX)),
            Head::Negative(value) => Number::Whole(i64::try_from(value).map_or(i64::MIN, |value| -1 - value)),
            Head::Float(value) => Number::Float(value),
            other => return Err(self.wrong(wanted, other)),
        };
        self.at = end;
        Ok(number)
    }

    fn whole(&mut self, wanted: Wanted) -> Result<i64, DecodeError> {
        Ok(match self.number(wanted)? {
            Number::Whole(value) => value,
            Number::Float(value) => floor(value),
        })
    }

    #[cold]
    fn wrong(&self, wanted: Wanted, head: Head) -> DecodeError {
        let found = match head {
            _ if self.open.is_empty() => Found::Nothing,
            Head::Text(_) | Head::Bytes(_) => Found::String,
            Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => Found::Number,
            Head::Boolean(_) => Found::Boolean,
            Head::List(_) => Found::List,
            Head::Map(_) => Found::Map,
            Head::Tag(_) | Head::Null | Head::Simple | Head::Break => Found::Nothing,
        };
        wrong_type(wanted, found)
    }
}

fn text_len(head: Head) -> Option<u64> {
    if let Head::Text(len) = head { len } else { None }
}

fn bytes_len(head: Head) -> Option<u64> {
    if let Head::Bytes(len) = head { len } else { None }
}

fn utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError::malformed())
}

impl Reader for CborReader {
    fn begin_struct(&mut self) -> Result<(), DecodeError> {
        self.structures.add_one()?;
        self.enter_map(Wanted::Structure)
    }

    fn next_field(&mut self, names: &'static [&'static str]) -> Result<Option<usize>, DecodeError> {
        while self.advance()? {
            match self.key_index(names)? {
                Some(index) if !self.is_null()? => return Ok(Some(index)),
                _ => self.skip(self.open.len() + 1)?,
            }
        }
        Ok(None)
    }

    fn begin_list(&mut self) -> Result<(), DecodeError> {
        match self.peek()? {
            (Head::List(len), end) => self.enter(len, end),
            (other, _) => Err(self.wrong(Wanted::List, other)),
        }
    }

    fn next_element(&mut self) -> Result<bool, DecodeError> {
        self.advance()
    }

    fn begin_map(&mut self) -> Result<(), DecodeError> {
        self.enter_map(Wanted::Map)
    }

    fn next_key(&mut self) -> Result<Option<ByteString>, DecodeError> {
        while self.advance()? {
            let (head, end) = self.peek()?;
            let Head::Text(len) = head else { return Err(DecodeError::malformed()) };
            let key = self.text(end, len)?;
            if !self.is_null()? {
                return Ok(Some(key));
            }
            self.skip(self.open.len() + 1)?;
        }
        Ok(None)
    }

    fn string(&mut self) -> Result<ByteString, DecodeError> {
        match self.peek()? {
            (Head::Text(len), end) => self.text(end, len),
            (other, _) => Err(self.wrong(Wanted::String, other)),
        }
    }

    fn blob(&mut self) -> Result<Bytes, DecodeError> {
        match self.peek()? {
            (Head::Bytes(Some(len)), end) => {
                let range = self.content(end, len)?;
                Ok(self.body.slice(range))
            }
            _ => {
                let mut blob = BytesMut::new();
                self.blob_into(&mut blob)?;
                Ok(blob.freeze())
            }
        }
    }

    fn string_into(&mut self, out: &mut String) -> Result<(), DecodeError> {
        match self.peek()? {
            (Head::Text(Some(len)), end) => {
                let range = self.content(end, len)?;
                out.push_str(utf8(&self.body[range])?);
                Ok(())
            }
            (Head::Text(None), end) => self.chunked_text(end, out),
            (other, _) => Err(self.wrong(Wanted::String, other)),
        }
    }

    fn blob_into(&mut self, out: &mut BytesMut) -> Result<(), DecodeError> {
        match self.peek()? {
            (Head::Bytes(Some(len)), end) => {
                let range = self.content(end, len)?;
                if out.capacity() - out.len() < range.len() {
                    // What the rest of the body can need.
                    out.reserve(self.body.len() - range.start);
                }
                out.extend_from_slice(&self.body[range]);
                Ok(())
            }
            (Head::Bytes(None), end) => self.chunks(end, bytes_len, |chunk| {
                out.extend_from_slice(chunk);
                Ok(())
            }),
            (other, _) => Err(self.wrong(Wanted::Blob, other)),
        }
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        match self.peek()? {
            (Head::Boolean(value), end) => {
                self.at = end;
                Ok(value)
            }
            (Head::Text(len), end) => coral::boolean(&self.text(end, len)?),
            (other, _) => Err(self.wrong(Wanted::Boolean, other)),
        }
    }

    fn integer(&mut self) -> Result<i32, DecodeError> {
        self.whole(Wanted::Integer).map(saturate)
    }

    fn long(&mut self) -> Result<i64, DecodeError> {
        self.whole(Wanted::Long)
    }

    #[expect(clippy::cast_precision_loss, reason = "the shape asks for a double")]
    fn double(&mut self) -> Result<f64, DecodeError> {
        Ok(match self.number(Wanted::Double)? {
            Number::Whole(value) => value as f64,
            Number::Float(value) => value,
        })
    }

    /// The tag may be missing; the number may be of either kind.
    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        if let (Head::Tag(tag), end) = self.peek()? {
            if tag != TAG_EPOCH {
                return Err(DecodeError::malformed());
            }
            self.at = end;
        }
        let number = self.number(Wanted::Timestamp)?;
        Ok(match (self.dialect, number) {
            (Dialect::Kinesis, Number::Whole(millis)) => Timestamp::from_millis(millis),
            (Dialect::Kinesis, Number::Float(millis)) => Timestamp::from_millis(floor(millis)),
            (Dialect::RpcV2, Number::Whole(seconds)) => Timestamp::from_millis(seconds.saturating_mul(1000)),
            (Dialect::RpcV2, Number::Float(seconds)) => Timestamp::from_seconds(seconds),
        })
    }

    fn finish(&mut self) -> Result<(), DecodeError> {
        if self.at == self.body.len() { Ok(()) } else { Err(DecodeError::malformed()) }
    }
}
