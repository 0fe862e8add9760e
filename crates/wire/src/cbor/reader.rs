//! Pulls shapes out of a CBOR body. Strings and blobs of definite length are slices of the body.
//!
//! Lengths that the body declares are believed only as far as the body reaches: nothing is allocated by them.

use base::codec::{DecodeError, Reader};
use base::time::Timestamp;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use minicbor::Decoder;
use minicbor::data::Type;

use super::Dialect;
use crate::DEPTH_MAX;
use crate::coral::{Found, Wanted, floor, saturate, wrong_type};

/// CBOR's tag for a time since the epoch.
const TAG_EPOCH: u64 = 1;

/// A [`Reader`] over one CBOR body.
#[derive(Debug)]
pub struct CborReader {
    body: Bytes,
    at: usize,
    dialect: Dialect,
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
        Self { body, at: 0, dialect, open: Vec::with_capacity(8) }
    }

    /// Runs one of the decoder's primitives at the current position and moves on by what it took.
    fn take<'s, T>(
        &'s mut self,
        primitive: impl FnOnce(&mut Decoder<'s>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, DecodeError> {
        let mut decoder = Decoder::new(&self.body);
        decoder.set_position(self.at);
        let value = primitive(&mut decoder).map_err(|_| DecodeError::malformed())?;
        self.at = decoder.position();
        Ok(value)
    }

    fn peek(&self) -> Result<Type, DecodeError> {
        let mut decoder = Decoder::new(&self.body);
        decoder.set_position(self.at);
        decoder.datatype().map_err(|_| DecodeError::malformed())
    }

    fn enter(&mut self, len: Option<u64>) -> Result<(), DecodeError> {
        if self.open.len() == DEPTH_MAX {
            return Err(DecodeError::malformed());
        }
        self.open.push(len);
        Ok(())
    }

    fn enter_map(&mut self, wanted: Wanted) -> Result<(), DecodeError> {
        if !matches!(self.peek()?, Type::Map | Type::MapIndef) {
            return Err(self.wrong(wanted));
        }
        let len = self.take(Decoder::map)?;
        self.enter(len)
    }

    /// Moves to the next element of the current container; leaves it when it ends here.
    fn advance(&mut self) -> Result<bool, DecodeError> {
        match self.open.last_mut().ok_or_else(DecodeError::malformed)? {
            Some(0) => {}
            Some(left) => {
                *left -= 1;
                return Ok(true);
            }
            None => {
                if self.peek()? != Type::Break {
                    return Ok(true);
                }
                self.at += 1;
            }
        }
        self.open.pop();
        Ok(false)
    }

    fn is_null(&self) -> Result<bool, DecodeError> {
        Ok(matches!(self.peek()?, Type::Null | Type::Undefined))
    }

    fn text(&mut self) -> Result<ByteString, DecodeError> {
        if self.peek()? == Type::String {
            let mut decoder = Decoder::new(&self.body);
            decoder.set_position(self.at);
            let text = decoder.str().map_err(|_| DecodeError::malformed())?;
            let slice = self.body.slice_ref(text.as_bytes());
            self.at = decoder.position();
            return ByteString::try_from(slice).map_err(|_| DecodeError::malformed());
        }
        self.take(|d| d.str_iter()?.collect::<Result<String, _>>()).map(ByteString::from)
    }

    /// Passes over one value. Recursion is bounded by the depth limit.
    fn skip(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > DEPTH_MAX {
            return Err(DecodeError::malformed());
        }
        match self.peek()? {
            Type::Array | Type::ArrayIndef => {
                let len = self.take(Decoder::array)?;
                self.skip_elements(len, 1, depth)
            }
            Type::Map | Type::MapIndef => {
                let len = self.take(Decoder::map)?;
                self.skip_elements(len, 2, depth)
            }
            Type::Tag => {
                self.take(Decoder::tag)?;
                self.skip(depth + 1)
            }
            Type::Bytes | Type::BytesIndef => self.take(|d| d.bytes_iter()?.try_for_each(|chunk| chunk.map(drop))),
            Type::String | Type::StringIndef => self.take(|d| d.str_iter()?.try_for_each(|chunk| chunk.map(drop))),
            Type::Bool => self.take(Decoder::bool).map(drop),
            Type::Null => self.take(Decoder::null),
            Type::Undefined => self.take(Decoder::undefined),
            Type::Simple => self.take(Decoder::simple).map(drop),
            Type::F16 | Type::F32 | Type::F64 => self.take(Decoder::f64).map(drop),
            Type::Break | Type::Unknown(_) => Err(DecodeError::malformed()),
            _ => self.take(Decoder::int).map(drop),
        }
    }

    /// Each element takes at least one byte, so a length that the body does not bear out ends in an error soon.
    fn skip_elements(&mut self, len: Option<u64>, values_each: u64, depth: usize) -> Result<(), DecodeError> {
        let mut left = len;
        loop {
            match &mut left {
                Some(0) => return Ok(()),
                Some(count) => *count -= 1,
                None if self.peek()? == Type::Break => {
                    self.at += 1;
                    return Ok(());
                }
                None => {}
            }
            for _ in 0..values_each {
                self.skip(depth + 1)?;
            }
        }
    }

    fn number(&mut self, wanted: Wanted) -> Result<Number, DecodeError> {
        match self.peek()? {
            Type::F16 | Type::F32 | Type::F64 => self.take(Decoder::f64).map(Number::Float),
            kind if is_integer(kind) => {
                let value = i128::from(self.take(Decoder::int)?);
                Ok(Number::Whole(i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })))
            }
            _ => Err(self.wrong(wanted)),
        }
    }

    fn whole(&mut self, wanted: Wanted) -> Result<i64, DecodeError> {
        Ok(match self.number(wanted)? {
            Number::Whole(value) => value,
            Number::Float(value) => floor(value),
        })
    }

    #[cold]
    fn wrong(&self, wanted: Wanted) -> DecodeError {
        let found = match self.peek() {
            _ if self.open.is_empty() => Found::Nothing,
            Ok(Type::String | Type::StringIndef | Type::Bytes | Type::BytesIndef) => Found::String,
            Ok(Type::F16 | Type::F32 | Type::F64) => Found::Number,
            Ok(kind) if is_integer(kind) => Found::Number,
            Ok(Type::Bool) => Found::Boolean,
            Ok(Type::Array | Type::ArrayIndef) => Found::List,
            Ok(Type::Map | Type::MapIndef) => Found::Map,
            Ok(_) | Err(_) => Found::Nothing,
        };
        wrong_type(wanted, found)
    }
}

fn is_integer(kind: Type) -> bool {
    matches!(
        kind,
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int
    )
}

impl Reader for CborReader {
    fn begin_struct(&mut self) -> Result<(), DecodeError> {
        self.enter_map(Wanted::Structure)
    }

    fn next_field(&mut self, names: &'static [&'static str]) -> Result<Option<usize>, DecodeError> {
        while self.advance()? {
            let index = if self.peek()? == Type::String {
                self.take(|d| d.str().map(|name| names.iter().position(|n| *n == name)))?
            } else {
                let name = self.text()?;
                names.iter().position(|n| name == *n)
            };
            match index {
                Some(index) if !self.is_null()? => return Ok(Some(index)),
                _ => self.skip(self.open.len() + 1)?,
            }
        }
        Ok(None)
    }

    fn begin_list(&mut self) -> Result<(), DecodeError> {
        if !matches!(self.peek()?, Type::Array | Type::ArrayIndef) {
            return Err(self.wrong(Wanted::List));
        }
        let len = self.take(Decoder::array)?;
        self.enter(len)
    }

    fn next_element(&mut self) -> Result<bool, DecodeError> {
        self.advance()
    }

    fn begin_map(&mut self) -> Result<(), DecodeError> {
        self.enter_map(Wanted::Map)
    }

    fn next_key(&mut self) -> Result<Option<ByteString>, DecodeError> {
        while self.advance()? {
            let key = self.text()?;
            if !self.is_null()? {
                return Ok(Some(key));
            }
            self.skip(self.open.len() + 1)?;
        }
        Ok(None)
    }

    fn string(&mut self) -> Result<ByteString, DecodeError> {
        match self.peek()? {
            Type::String | Type::StringIndef => self.text(),
            _ => Err(self.wrong(Wanted::String)),
        }
    }

    fn blob(&mut self) -> Result<Bytes, DecodeError> {
        match self.peek()? {
            Type::Bytes => {
                let mut decoder = Decoder::new(&self.body);
                decoder.set_position(self.at);
                let blob = decoder.bytes().map_err(|_| DecodeError::malformed())?;
                let slice = self.body.slice_ref(blob);
                self.at = decoder.position();
                Ok(slice)
            }
            Type::BytesIndef => self.take(|d| {
                let mut blob = BytesMut::new();
                for chunk in d.bytes_iter()? {
                    blob.extend_from_slice(chunk?);
                }
                Ok(blob.freeze())
            }),
            _ => Err(self.wrong(Wanted::Blob)),
        }
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        match self.peek()? {
            Type::Bool => self.take(Decoder::bool),
            _ => Err(self.wrong(Wanted::Boolean)),
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
        if self.peek()? == Type::Tag && self.take(Decoder::tag)?.as_u64() != TAG_EPOCH {
            return Err(DecodeError::malformed());
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
