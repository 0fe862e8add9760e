//! Blobs in JSON: standard alphabet, padded.

use base::codec::DecodeError;
use base64_simd::{AsOut, STANDARD};
use bytes::BytesMut;

use crate::coral::echo;

/// Decodes `text` to the end of `out`. `room` is how much to allocate when that is full: what the rest of the body can
/// need, so that the blobs of one body share one allocation.
pub(crate) fn decode(out: &mut BytesMut, room: usize, text: &[u8]) -> Result<(), DecodeError> {
    if !text.len().is_multiple_of(4) {
        return Err(length_error(text));
    }
    let len_max = text.len() / 4 * 3;
    if out.capacity() - out.len() < len_max {
        out.reserve(room.max(len_max));
    }
    match STANDARD.decode(text, out.spare_capacity_mut().as_out()).map(|decoded| decoded.len()) {
        Ok(len) => {
            let end = out.len() + len;
            #[expect(unsafe_code, reason = "zeros that are overwritten at once cost a tenth of the decoding")]
            // SAFETY: the decoder has written the first `len` bytes of the spare capacity.
            unsafe {
                out.set_len(end);
            }
            Ok(())
        }
        Err(_) => Err(content_error(text)),
    }
}

/// Appends the encoded form of `data`.
pub(crate) fn encode(out: &mut Vec<u8>, data: &[u8]) {
    let start = out.len();
    out.resize(start + STANDARD.encoded_length(data.len()), 0);
    let _ = STANDARD.encode(data, out[start..].as_out());
}

#[cold]
fn length_error(text: &[u8]) -> DecodeError {
    DecodeError::new(format!(
        "'{}' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: {}",
        echo(text),
        text.len()
    ))
}

#[cold]
fn content_error(text: &[u8]) -> DecodeError {
    let padding = text.iter().rev().take(2).take_while(|b| **b == b'=').count();
    let body = &text[..text.len() - padding];
    let strange = body.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')));
    let reason = match strange {
        Some(at) => {
            let character = String::from_utf8_lossy(&body[at..body.len().min(at + 4)]).chars().next();
            format!("Invalid Base64 character: '{}'", character.unwrap_or_default())
        }
        // The spelling is AWS's.
        None => "Invalid last non-pad Base64 character dectected".to_owned(),
    };
    DecodeError::new(format!("'{}' can not be converted to a Blob: {reason}", echo(text)))
}
