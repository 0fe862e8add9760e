//! The encodings whose bodies hold one value each, told apart by content type.

use base::codec::{Decode, DecodeError, Encode, Reader};
use base::violations::Violations;
use bytes::Bytes;

use crate::cbor::{CborReader, CborWriter, Dialect};
use crate::json::{JsonReader, JsonWriter};

/// How the body of a request is written, and therefore its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// awsJson1.1: Kinesis, Firehose, KMS.
    Json11,
    /// awsJson1.0: DynamoDB, CloudWatch.
    Json10,
    /// awsJson1.1 in Kinesis's dialect of CBOR: what Java's SDKs send.
    Cbor,
    /// rpcv2Cbor: CloudWatch. The path names the operation, not `X-Amz-Target`.
    RpcV2Cbor,
}

/// An empty map, for which clients of rpcv2Cbor may send no body at all.
const EMPTY_INPUT: Bytes = Bytes::from_static(b"\xa0");

impl Protocol {
    /// Of a request whose operation `X-Amz-Target` names, from the value of its `Content-Type` header; what follows a
    /// semicolon does not count.
    #[must_use]
    pub fn detect(content_type: &str) -> Option<Self> {
        let name = essence(content_type);
        [Self::Json11, Self::Cbor, Self::Json10].into_iter().find(|p| p.content_type().eq_ignore_ascii_case(name))
    }

    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Cbor => "application/x-amz-cbor-1.1",
            Self::RpcV2Cbor => "application/cbor",
        }
    }

    /// Hands a reader of the body to `work`.
    ///
    /// # Errors
    /// When the body is not text, and should be.
    pub fn read<T>(self, body: Bytes, work: impl FnOnce(&mut dyn Reader) -> T) -> Result<T, DecodeError> {
        Ok(match self {
            Self::Json11 | Self::Json10 => work(&mut JsonReader::new(body)?),
            Self::Cbor => work(&mut CborReader::new(body, Dialect::Kinesis)),
            Self::RpcV2Cbor => {
                let body = if body.is_empty() { EMPTY_INPUT } else { body };
                work(&mut CborReader::new(body, Dialect::RpcV2))
            }
        })
    }

    /// Reads a whole body. Members that are required and missing are noted in `violations`.
    ///
    /// # Errors
    /// When the body is not well formed, holds a value of the wrong type, or goes on after the shape.
    pub fn decode<T: Decode>(self, body: Bytes, violations: &mut Violations) -> Result<T, DecodeError> {
        self.read(body, |reader| {
            let shape = T::decode(reader, violations)?;
            reader.finish()?;
            Ok(shape)
        })?
    }

    /// Appends the encoded shape to `out`.
    pub fn encode(self, shape: &dyn Encode, out: &mut Vec<u8>) {
        match self {
            Self::Json11 | Self::Json10 => shape.encode(&mut JsonWriter::new(out)),
            Self::Cbor => shape.encode(&mut CborWriter::new(out, Dialect::Kinesis)),
            Self::RpcV2Cbor => shape.encode(&mut CborWriter::new(out, Dialect::RpcV2)),
        }
    }
}

/// A content type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_count() {
        for (text, protocol) in [
            ("application/x-amz-json-1.1", Some(Protocol::Json11)),
            ("application/x-amz-json-1.1; charset=utf-8", Some(Protocol::Json11)),
            ("Application/X-Amz-Cbor-1.1 ;x", Some(Protocol::Cbor)),
            ("application/x-amz-json-1.0", Some(Protocol::Json10)),
            ("application/cbor", None),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(Protocol::detect(text), protocol, "{text}");
        }
    }
}
