//! The little of protobuf's encoding that aggregated records need.

use bytes::{Buf as _, BufMut, Bytes};

/// Kinds of values on the wire.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

const VARINT_BYTES_MAX: usize = 10;

/// Not the encoding of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// One field of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Field {
    Varint(u32, u64),
    Bytes(u32, Bytes),
    /// Of a kind that no known field has.
    Other,
}

/// Takes the next field off `message`; `None` at its end.
pub fn next(message: &mut Bytes) -> Result<Option<Field>, Malformed> {
    if message.is_empty() {
        return Ok(None);
    }
    let tag = varint(message)?;
    let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0).ok_or(Malformed)?;
    Ok(Some(match tag & 7 {
        VARINT => Field::Varint(number, varint(message)?),
        LENGTH_DELIMITED => {
            let len = varint(message)?;
            Field::Bytes(number, take(message, len)?)
        }
        FIXED_64 => take(message, 8).map(|_| Field::Other)?,
        FIXED_32 => take(message, 4).map(|_| Field::Other)?,
        _ => return Err(Malformed),
    }))
}

fn varint(message: &mut Bytes) -> Result<u64, Malformed> {
    let mut value = 0;
    for i in 0..VARINT_BYTES_MAX {
        let byte = *message.get(i).ok_or(Malformed)?;
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            message.advance(i + 1);
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn take(message: &mut Bytes, len: u64) -> Result<Bytes, Malformed> {
    let len = usize::try_from(len).ok().filter(|len| *len <= message.len()).ok_or(Malformed)?;
    Ok(message.split_to(len))
}

pub fn put_varint(out: &mut impl BufMut, number: u32, value: u64) {
    put_raw(out, u64::from(number) << 3 | VARINT);
    put_raw(out, value);
}

pub fn put_bytes(out: &mut impl BufMut, number: u32, value: &[u8]) {
    put_len(out, number, value.len());
    out.put_slice(value);
}

/// The head of a field of `len` bytes that follow.
pub fn put_len(out: &mut impl BufMut, number: u32, len: usize) {
    put_raw(out, u64::from(number) << 3 | LENGTH_DELIMITED);
    put_raw(out, len as u64);
}

fn put_raw(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Bytes that a varint field with a number below 16 takes.
pub fn varint_field_len(value: u64) -> usize {
    1 + varint_len(value)
}

/// Bytes that a field of `len` bytes with a number below 16 takes.
pub fn bytes_field_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

fn varint_len(value: u64) -> usize {
    let bits = (u64::BITS - value.leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, 1, value);
            assert_eq!(out.len(), varint_field_len(value));
            assert_eq!(next(&mut Bytes::from(out)), Ok(Some(Field::Varint(1, value))));
        }
    }

    #[test]
    fn what_is_cut_or_of_an_unknown_kind_is_malformed() {
        for bad in [&[0x08][..], &[0x0a, 2, 1], &[0x0b], &[0x00, 1], &[0x09, 1, 2], &[0xff; 12], &[0x08, 0xff]] {
            let mut message = Bytes::copy_from_slice(bad);
            let mut last = next(&mut message);
            while let Ok(Some(_)) = last {
                last = next(&mut message);
            }
            assert_eq!(last, Err(Malformed), "{bad:?}");
        }
    }
}
