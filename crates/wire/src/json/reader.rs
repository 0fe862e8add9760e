//! Pulls shapes out of a JSON body.
//!
//! The body's UTF-8 is checked once. Strings without escapes are slices of the body; blobs are slices of one
//! buffer per body.

use base::codec::{DecodeError, Reader};
use base::time::Timestamp;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::scan;
use crate::coral::{self, Found, Wanted, floor, saturate, wrong_type};
use crate::structures::Structures;
use crate::{DEPTH_MAX, base64};

/// A [`Reader`] over one awsJson body.
#[derive(Debug)]
pub struct JsonReader {
    body: ByteString,
    at: usize,
    depth: usize,
    structures: Structures,
    /// The current container has just been entered: no comma comes before its first element.
    fresh: bool,
    /// Blobs are decoded into this buffer and cut off.
    arena: BytesMut,
}

impl JsonReader {
    /// # Errors
    /// When the body is not UTF-8.
    pub fn new(body: Bytes) -> Result<Self, DecodeError> {
        let body = ByteString::try_from(body).map_err(|_| DecodeError::malformed())?;
        Ok(Self { body, at: 0, depth: 0, structures: Structures::default(), fresh: false, arena: BytesMut::new() })
    }

    fn bytes(&self) -> &[u8] {
        self.body.as_bytes()
    }

    /// The first byte of the next value, or of what stands in its place.
    fn peek(&mut self) -> Option<u8> {
        self.at = scan::white_end(self.bytes(), self.at);
        self.bytes().get(self.at).copied()
    }

    fn enter(&mut self, open: u8, wanted: Wanted) -> Result<(), DecodeError> {
        if self.peek() != Some(open) {
            return Err(self.wrong(wanted));
        }
        if self.depth == DEPTH_MAX {
            return Err(DecodeError::malformed());
        }
        self.depth += 1;
        self.at += 1;
        self.fresh = true;
        Ok(())
    }

    /// Moves to the next element of the current container; leaves it when it ends here.
    fn advance(&mut self, close: u8) -> Result<bool, DecodeError> {
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth -= 1;
                self.fresh = false;
                Ok(false)
            }
            Some(_) if self.fresh => {
                self.fresh = false;
                Ok(true)
            }
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(DecodeError::malformed()),
        }
    }

    /// Takes a string from its opening quote to its closing one: the text as it stands, and whether it has escapes.
    fn raw_string(&mut self) -> Result<(std::ops::Range<usize>, bool), DecodeError> {
        let start = self.at + 1;
        let span = scan::string(self.bytes(), start)?;
        self.at = span.end + 1;
        Ok((start..span.end, span.escaped))
    }

    /// As [`Self::raw_string`], where a string should stand.
    fn string_value(&mut self) -> Result<(std::ops::Range<usize>, bool), DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong(Wanted::String));
        }
        self.raw_string()
    }

    /// Takes a member's name and the colon after it.
    fn raw_key(&mut self) -> Result<(std::ops::Range<usize>, bool), DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(DecodeError::malformed());
        }
        let key = self.raw_string()?;
        self.colon()?;
        Ok(key)
    }

    fn colon(&mut self) -> Result<(), DecodeError> {
        if self.peek() != Some(b':') {
            return Err(DecodeError::malformed());
        }
        self.at += 1;
        Ok(())
    }

    /// As [`Self::raw_key`]; answers which of `names` it is.
    fn field_key(&mut self, names: &[&str]) -> Result<Option<usize>, DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(DecodeError::malformed());
        }
        // Most names stand there letter by letter: comparing is cheaper than looking for their end.
        let rest = &self.bytes()[self.at + 1..];
        let plain = |name: &&str| rest.get(name.len()) == Some(&b'"') && rest.starts_with(name.as_bytes());
        if let Some(index) = names.iter().position(plain) {
            self.at += names[index].len() + 2;
            self.colon()?;
            return Ok(Some(index));
        }
        let (range, escaped) = self.raw_key()?;
        if !escaped {
            return Ok(None);
        }
        let name = scan::unescape(&self.body[range])?;
        Ok(names.iter().position(|n| *n == name))
    }

    fn text(&self, range: std::ops::Range<usize>, escaped: bool) -> Result<ByteString, DecodeError> {
        let raw = &self.body[range];
        if escaped { Ok(scan::unescape(raw)?.into()) } else { Ok(self.body.slice_ref(raw)) }
    }

    /// Takes a number: its text, and whether it has neither fraction nor exponent.
    fn number(&mut self, wanted: Wanted) -> Result<(&str, bool), DecodeError> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.wrong(wanted));
        }
        let start = self.at;
        let span = scan::number(self.bytes(), start)?;
        self.at = span.end;
        Ok((&self.body[start..span.end], span.integral))
    }

    fn whole(&mut self, wanted: Wanted) -> Result<i64, DecodeError> {
        let (text, integral) = self.number(wanted)?;
        if !integral {
            return Ok(floor(float(text)?));
        }
        // The only way to fail is to be out of range.
        Ok(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX }))
    }

    #[cold]
    fn wrong(&mut self, wanted: Wanted) -> DecodeError {
        let found = match self.peek() {
            _ if self.depth == 0 => Found::Nothing,
            Some(b'"') => Found::String,
            Some(b'-' | b'0'..=b'9') => Found::Number,
            Some(b't' | b'f') => Found::Boolean,
            Some(b'[') => Found::List,
            Some(b'{') => Found::Map,
            _ => Found::Nothing,
        };
        wrong_type(wanted, found)
    }
}

/// Every number of JSON's grammar is one of Rust's; too large ones become infinite.
fn float(text: &str) -> Result<f64, DecodeError> {
    text.parse().map_err(|_| DecodeError::malformed())
}

impl Reader for JsonReader {
    fn begin_struct(&mut self) -> Result<(), DecodeError> {
        self.structures.add_one()?;
        self.enter(b'{', Wanted::Structure)
    }

    fn next_field(&mut self, names: &'static [&'static str]) -> Result<Option<usize>, DecodeError> {
        while self.advance(b'}')? {
            match self.field_key(names)? {
                Some(index) if self.peek() != Some(b'n') => return Ok(Some(index)),
                Some(_) => self.at = scan::literal(self.bytes(), self.at, b"null")?,
                None => self.at = scan::skip(self.bytes(), self.at, DEPTH_MAX - self.depth)?,
            }
        }
        Ok(None)
    }

    fn begin_list(&mut self) -> Result<(), DecodeError> {
        self.enter(b'[', Wanted::List)
    }

    fn next_element(&mut self) -> Result<bool, DecodeError> {
        self.advance(b']')
    }

    fn begin_map(&mut self) -> Result<(), DecodeError> {
        self.enter(b'{', Wanted::Map)
    }

    fn next_key(&mut self) -> Result<Option<ByteString>, DecodeError> {
        while self.advance(b'}')? {
            let (range, escaped) = self.raw_key()?;
            if self.peek() != Some(b'n') {
                return self.text(range, escaped).map(Some);
            }
            self.at = scan::literal(self.bytes(), self.at, b"null")?;
        }
        Ok(None)
    }

    fn string(&mut self) -> Result<ByteString, DecodeError> {
        let (range, escaped) = self.string_value()?;
        self.text(range, escaped)
    }

    fn string_into(&mut self, out: &mut String) -> Result<(), DecodeError> {
        let (range, escaped) = self.string_value()?;
        let raw = &self.body[range];
        if escaped {
            out.push_str(&scan::unescape(raw)?);
        } else {
            out.push_str(raw);
        }
        Ok(())
    }

    fn blob(&mut self) -> Result<Bytes, DecodeError> {
        let mut arena = std::mem::take(&mut self.arena);
        let taken = self.blob_into(&mut arena);
        let blob = arena.split().freeze();
        self.arena = arena;
        taken.map(|()| blob)
    }

    fn blob_into(&mut self, out: &mut BytesMut) -> Result<(), DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong(Wanted::Blob));
        }
        let start = self.at + 1;
        let rest = &self.bytes()[start..];
        let room = rest.len() / 4 * 3;
        let len = memchr::memchr2(b'"', b'\\', rest).ok_or_else(DecodeError::malformed)?;
        if rest[len] == b'"' {
            // A control character within is not of the alphabet, so nothing else needs a look.
            self.at = start + len + 1;
            return base64::decode(out, room, &self.bytes()[start..start + len]);
        }
        // Some encoders write `\/`.
        let (range, _) = self.raw_string()?;
        let text = scan::unescape(&self.body[range])?;
        base64::decode(out, room, text.as_bytes())
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        let (word, value): (&'static [u8], _) = match self.peek() {
            Some(b'"') => return coral::boolean(&self.string()?),
            Some(b't') => (b"true", true),
            Some(b'f') => (b"false", false),
            _ => return Err(self.wrong(Wanted::Boolean)),
        };
        self.at = scan::literal(self.bytes(), self.at, word)?;
        Ok(value)
    }

    fn integer(&mut self) -> Result<i32, DecodeError> {
        self.whole(Wanted::Integer).map(saturate)
    }

    fn long(&mut self) -> Result<i64, DecodeError> {
        self.whole(Wanted::Long)
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        if self.peek() == Some(b'"') {
            // What JSON has no number for comes as a word.
            let wrong = self.wrong(Wanted::Double);
            return match &*self.string()? {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(wrong),
            };
        }
        let (text, _) = self.number(Wanted::Double)?;
        Ok(float(text)?.clamp(f64::MIN, f64::MAX))
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        let (text, integral) = self.number(Wanted::Timestamp)?;
        match text.parse::<i64>() {
            Ok(seconds) if integral => Ok(Timestamp::from_millis(seconds.saturating_mul(1000))),
            _ => Ok(Timestamp::from_seconds(float(text)?)),
        }
    }

    fn finish(&mut self) -> Result<(), DecodeError> {
        if self.peek().is_none() { Ok(()) } else { Err(DecodeError::malformed()) }
    }
}
