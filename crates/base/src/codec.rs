//! The contract between generated API shapes and the encodings that carry them.
//!
//! A shape pulls itself out of a [`Reader`] and pushes itself into a [`Writer`]; JSON, CBOR and the query
//! protocol implement these two traits in the `wire` crate. Strings and blobs are slices of one shared
//! buffer, so decoding 500 records allocates nothing per record.

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use thiserror::Error;

use crate::time::Timestamp;
use crate::violations::Violations;

/// The body was not of the shape's type: AWS's `SerializationException`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", message.as_deref().unwrap_or("the body cannot be parsed"))]
pub struct DecodeError {
    /// The text that AWS sends in the `Message` member; `None` when AWS sends no text (unparseable body).
    pub message: Option<String>,
}

impl DecodeError {
    /// A body that is not well formed; AWS answers without a text.
    #[must_use]
    pub fn malformed() -> Self {
        Self { message: None }
    }

    /// A well-formed body with a value of the wrong type.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()) }
    }
}

/// Pulls one value after the other out of an encoded body.
///
/// Members whose value is null are treated as absent: [`Reader::next_field`] passes over them, as it
/// does over members that the shape does not know.
pub trait Reader {
    /// Enters a structure. Fails when the next value is not a map.
    fn begin_struct(&mut self) -> Result<(), DecodeError>;

    /// Moves to the next known, non-null member of the current structure and returns its index in
    /// `names`; `None` when the structure has ended (which leaves it).
    fn next_field(&mut self, names: &'static [&'static str]) -> Result<Option<usize>, DecodeError>;

    /// Enters a list.
    fn begin_list(&mut self) -> Result<(), DecodeError>;

    /// Whether another element follows in the current list; leaves the list when none does.
    fn next_element(&mut self) -> Result<bool, DecodeError>;

    /// Enters a map with string keys.
    fn begin_map(&mut self) -> Result<(), DecodeError>;

    /// The next key of the current map; `None` at its end (which leaves it). The value follows.
    fn next_key(&mut self) -> Result<Option<ByteString>, DecodeError>;

    fn string(&mut self) -> Result<ByteString, DecodeError>;
    fn blob(&mut self) -> Result<Bytes, DecodeError>;

    /// Takes a string and appends it to `out`.
    fn string_into(&mut self, out: &mut String) -> Result<(), DecodeError> {
        out.push_str(&self.string()?);
        Ok(())
    }

    /// Takes a blob and appends it to `out`.
    fn blob_into(&mut self, out: &mut BytesMut) -> Result<(), DecodeError> {
        out.extend_from_slice(&self.blob()?);
        Ok(())
    }

    fn boolean(&mut self) -> Result<bool, DecodeError>;
    /// 32-bit integer; fractions are floored and values out of range saturate, as AWS does.
    fn integer(&mut self) -> Result<i32, DecodeError>;
    fn long(&mut self) -> Result<i64, DecodeError>;
    fn double(&mut self) -> Result<f64, DecodeError>;
    fn timestamp(&mut self) -> Result<Timestamp, DecodeError>;

    /// After the outermost value: fails when anything but white space follows.
    fn finish(&mut self) -> Result<(), DecodeError>;
}

/// Receives one value after the other and encodes it.
pub trait Writer {
    fn begin_struct(&mut self);
    /// Names the member whose value is written next.
    fn field(&mut self, name: &'static str);
    fn end_struct(&mut self);

    fn begin_list(&mut self, len: usize);
    fn end_list(&mut self);

    fn begin_map(&mut self, len: usize);
    fn key(&mut self, key: &str);
    fn end_map(&mut self);

    fn string(&mut self, value: &str);
    fn blob(&mut self, value: &[u8]);
    fn boolean(&mut self, value: bool);
    fn integer(&mut self, value: i32);
    fn long(&mut self, value: i64);
    fn double(&mut self, value: f64);
    fn timestamp(&mut self, value: Timestamp);
}

/// A shape that can be read from a body.
pub trait Decode: Sized {
    /// Reads the shape. Members that the model requires and the body lacks are noted in `violations`
    /// and left at their default.
    fn decode(reader: &mut dyn Reader, violations: &mut Violations) -> Result<Self, DecodeError>;
}

/// A shape that can be written into a body.
pub trait Encode {
    fn encode(&self, writer: &mut dyn Writer);
}

/// A shape whose values the model constrains.
pub trait Validate {
    /// Notes every constraint that the value breaks, with paths relative to the value.
    fn validate(&self, violations: &mut Violations);
}
