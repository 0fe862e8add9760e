//! Writes shapes as CBOR. Structures are maps of indefinite length, as AWS writes them: which members are present
//! is not known when one begins.

use std::convert::Infallible;

use base::codec::Writer;
use base::time::Timestamp;
use minicbor::Encoder;
use minicbor::data::Tag;
use minicbor::encode::{Error, Write};

use super::Dialect;

/// A [`Writer`] that appends one CBOR value to a buffer.
pub struct CborWriter<'a> {
    encoder: Encoder<Buffer<'a>>,
    dialect: Dialect,
}

struct Buffer<'a>(&'a mut Vec<u8>);

impl Write for Buffer<'_> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl<'a> CborWriter<'a> {
    #[must_use]
    pub fn new(out: &'a mut Vec<u8>, dialect: Dialect) -> Self {
        Self { encoder: Encoder::new(Buffer(out)), dialect }
    }

    fn put(&mut self, primitive: impl FnOnce(&mut Encoder<Buffer<'a>>) -> Result<(), Error<Infallible>>) {
        primitive(&mut self.encoder).expect("a buffer in memory takes every write");
    }
}

impl Writer for CborWriter<'_> {
    fn begin_struct(&mut self) {
        self.put(|e| e.begin_map()?.ok());
    }

    fn field(&mut self, name: &'static str) {
        self.string(name);
    }

    fn end_struct(&mut self) {
        self.put(|e| e.end()?.ok());
    }

    fn begin_list(&mut self, len: usize) {
        self.put(|e| e.array(len as u64)?.ok());
    }

    fn end_list(&mut self) {}

    fn begin_map(&mut self, len: usize) {
        self.put(|e| e.map(len as u64)?.ok());
    }

    fn key(&mut self, key: &str) {
        self.string(key);
    }

    fn end_map(&mut self) {}

    fn string(&mut self, value: &str) {
        self.put(|e| e.str(value)?.ok());
    }

    fn blob(&mut self, value: &[u8]) {
        self.put(|e| e.bytes(value)?.ok());
    }

    fn boolean(&mut self, value: bool) {
        self.put(|e| e.bool(value)?.ok());
    }

    fn integer(&mut self, value: i32) {
        self.put(|e| e.i32(value)?.ok());
    }

    fn long(&mut self, value: i64) {
        self.put(|e| e.i64(value)?.ok());
    }

    fn double(&mut self, value: f64) {
        self.put(|e| e.f64(value)?.ok());
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year within reach fit a double")]
    fn timestamp(&mut self, value: Timestamp) {
        let millis = value.millis();
        match self.dialect {
            // A float would break Java's clients, which parse a long.
            Dialect::Kinesis => self.put(|e| e.tag(Tag::new(1))?.i64(millis)?.ok()),
            Dialect::RpcV2 => self.put(|e| e.tag(Tag::new(1))?.f64(millis as f64 / 1000.0)?.ok()),
        }
    }
}
