//! Frames of an event stream as the client reads them, whole and in pieces.

#![no_main]

use api::kinesis::SubscribeToShardEvent;
use base::violations::Violations;
use bytes::{Bytes, BytesMut};
use wire::Protocol;
use wire::event_stream::{FrameError, HeaderValue, Message, decode, encode};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let whole = read(input, input.len());
    // However the network cuts a stream, it says the same.
    let piece = usize::from(input.first().copied().unwrap_or(0)) % 16 + 1;
    assert_eq!(read(input, piece), whole);
    for message in &whole.0 {
        for protocol in [Protocol::Json11, Protocol::Cbor] {
            let _ = protocol.decode::<SubscribeToShardEvent>(message.payload.clone(), &mut Violations::new());
        }
        write_again(message);
    }
});

/// All messages of a stream that comes in pieces, and why there are no more.
fn read(stream: &[u8], piece: usize) -> (Vec<Message>, Option<FrameError>) {
    let mut buffer = BytesMut::new();
    let mut messages = Vec::new();
    for bytes in stream.chunks(piece.max(1)) {
        buffer.extend_from_slice(bytes);
        loop {
            match decode(&mut buffer) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

/// Messages whose headers are text can be written, and are the same when they are read.
fn write_again(message: &Message) {
    let texts: Option<Vec<(&str, &str)>> = message
        .headers
        .iter()
        .map(|(name, value)| match value {
            HeaderValue::String(text) => Some((&**name, &**text)),
            _ => None,
        })
        .collect();
    let Some(texts) = texts else { return };
    let mut out = Vec::new();
    encode(&mut out, &texts, |out| out.extend_from_slice(&message.payload));
    let mut out = BytesMut::from(Bytes::from(out));
    assert_eq!(decode(&mut out), Ok(Some(message.clone())));
}
