//! `application/vnd.amazon.eventstream`: the framing of SubscribeToShard's reply.
//!
//! ```text
//! total length u32 | headers length u32 | CRC-32 of these 8 bytes | headers | payload | CRC-32 of all before
//! header: name length u8 | name | type u8 | value
//! ```
//! Numbers are big endian.

use base::codec::{Encode, Writer};
use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;
use thiserror::Error;

use crate::Protocol;

/// `Content-Type` of a reply that is a stream of messages.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";
/// Largest run of headers that is read.
pub const HEADERS_BYTES_MAX: usize = 128 * 1024;
/// Largest payload that is read.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
/// Type of a header whose value is text.
const TYPE_STRING: u8 = 7;

/// A decoded message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub headers: Vec<(ByteString, HeaderValue)>,
    pub payload: Bytes,
}

impl Message {
    /// The text of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(n, value)| match value {
            HeaderValue::String(text) if *n == *name => Some(&**text),
            _ => None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    Bool(bool),
    Byte(i8),
    Short(i16),
    Integer(i32),
    Long(i64),
    Bytes(Bytes),
    String(ByteString),
    /// Milliseconds since the epoch.
    Timestamp(i64),
    Uuid([u8; 16]),
}

/// The bytes are not a message; nothing after them can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    #[error("checksum of the prelude does not match")]
    PreludeChecksum,
    #[error("checksum of the message does not match")]
    MessageChecksum,
    #[error("lengths of a message of {total} bytes with {headers} bytes of headers are out of range")]
    Length { total: usize, headers: usize },
    #[error("headers cannot be read")]
    Headers,
}

/// Appends one message whose headers are text and whose payload `payload` appends to the buffer itself.
///
/// # Panics
/// When a name is longer than 255 bytes, a value longer than 65,535, or the message than 4 GiB.
pub fn encode(out: &mut Vec<u8>, headers: &[(&str, &str)], payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; PRELUDE_BYTES]);
    for (name, value) in headers {
        out.extend_from_slice(&[u8::try_from(name.len()).expect("names of headers are short")]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&[TYPE_STRING]);
        out.extend_from_slice(&u16::try_from(value.len()).expect("values of headers are short").to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    let headers_len = out.len() - start - PRELUDE_BYTES;
    payload(out);
    let total = out.len() - start + CRC_BYTES;
    let message = &mut out[start..];
    message[..4].copy_from_slice(&u32::try_from(total).expect("payloads are far below 4 GiB").to_be_bytes());
    message[4..8].copy_from_slice(&u32::try_from(headers_len).expect("headers are short").to_be_bytes());
    let prelude = crc32(&message[..8]);
    message[8..PRELUDE_BYTES].copy_from_slice(&prelude.to_be_bytes());
    let crc = crc32(message);
    out.extend_from_slice(&crc.to_be_bytes());
}

/// Appends the message that must come first: some clients fail without it.
pub fn encode_initial_response(out: &mut Vec<u8>, protocol: Protocol) {
    struct Empty;
    impl Encode for Empty {
        fn encode(&self, writer: &mut dyn Writer) {
            writer.begin_struct();
            writer.end_struct();
        }
    }
    encode_event(out, protocol, "initial-response", &Empty);
}

/// Appends a message that carries one event.
pub fn encode_event(out: &mut Vec<u8>, protocol: Protocol, event_type: &str, event: &dyn Encode) {
    let headers = [(":message-type", "event"), (":event-type", event_type), (":content-type", protocol.content_type())];
    encode(out, &headers, |out| protocol.encode(event, out));
}

/// Appends the message after which a failed stream ends. Only a modelled exception is understood by every client.
pub fn encode_exception(out: &mut Vec<u8>, protocol: Protocol, exception_type: &str, message: &str) {
    struct Text<'a>(&'a str);
    impl Encode for Text<'_> {
        fn encode(&self, writer: &mut dyn Writer) {
            writer.begin_struct();
            writer.field("message");
            writer.string(self.0);
            writer.end_struct();
        }
    }
    let headers = [
        (":message-type", "exception"),
        (":exception-type", exception_type),
        (":content-type", protocol.content_type()),
    ];
    encode(out, &headers, |out| protocol.encode(&Text(message), out));
}

/// Takes one message off the front of `buffer`; `None` when more bytes are needed.
///
/// # Errors
/// When the bytes are not a message.
pub fn decode(buffer: &mut BytesMut) -> Result<Option<Message>, FrameError> {
    let Some(prelude) = buffer.get(..PRELUDE_BYTES) else { return Ok(None) };
    let word = |at: usize| u32::from_be_bytes(prelude[at..at + 4].try_into().expect("four bytes"));
    if word(8) != crc32(&prelude[..8]) {
        return Err(FrameError::PreludeChecksum);
    }
    let (total, headers) = (word(0) as usize, word(4) as usize);
    let payload = total.checked_sub(PRELUDE_BYTES + CRC_BYTES).and_then(|rest| rest.checked_sub(headers));
    if headers > HEADERS_BYTES_MAX || payload.is_none_or(|bytes| bytes > PAYLOAD_BYTES_MAX) {
        return Err(FrameError::Length { total, headers });
    }
    if buffer.len() < total {
        return Ok(None);
    }
    let mut message = buffer.split_to(total).freeze();
    let mut crc = message.split_off(total - CRC_BYTES);
    if crc.get_u32() != crc32(&message) {
        return Err(FrameError::MessageChecksum);
    }
    message.advance(PRELUDE_BYTES);
    let headers = decode_headers(message.split_to(headers)).ok_or(FrameError::Headers)?;
    Ok(Some(Message { headers, payload: message }))
}

fn decode_headers(mut bytes: Bytes) -> Option<Vec<(ByteString, HeaderValue)>> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let name_len = usize::from(bytes.try_get_u8().ok()?);
        let name = ByteString::try_from(take(&mut bytes, name_len)?).ok()?;
        let value = match bytes.try_get_u8().ok()? {
            0 => HeaderValue::Bool(true),
            1 => HeaderValue::Bool(false),
            2 => HeaderValue::Byte(bytes.try_get_i8().ok()?),
            3 => HeaderValue::Short(bytes.try_get_i16().ok()?),
            4 => HeaderValue::Integer(bytes.try_get_i32().ok()?),
            5 => HeaderValue::Long(bytes.try_get_i64().ok()?),
            6 => HeaderValue::Bytes(take_counted(&mut bytes)?),
            TYPE_STRING => HeaderValue::String(ByteString::try_from(take_counted(&mut bytes)?).ok()?),
            8 => HeaderValue::Timestamp(bytes.try_get_i64().ok()?),
            9 => HeaderValue::Uuid(take(&mut bytes, 16)?[..].try_into().ok()?),
            _ => return None,
        };
        headers.push((name, value));
    }
    Some(headers)
}

fn take_counted(bytes: &mut Bytes) -> Option<Bytes> {
    let len = usize::from(bytes.try_get_u16().ok()?);
    take(bytes, len)
}

fn take(bytes: &mut Bytes, len: usize) -> Option<Bytes> {
    (bytes.len() >= len).then(|| bytes.split_to(len))
}

/// CRC-32 as zlib has it; also the checksum of whole answers of some services.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iso_hdlc(bytes)
}
