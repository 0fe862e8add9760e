//! The first bytes of a CBOR item: its kind and its argument (RFC 8949, section 3).

use base::codec::DecodeError;

/// What an item is. Lengths are what the body declares; `None` when a break ends the item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Head {
    Unsigned(u64),
    /// The value is one less than minus this.
    Negative(u64),
    Bytes(Option<u64>),
    Text(Option<u64>),
    List(Option<u64>),
    Map(Option<u64>),
    Tag(u64),
    Float(f64),
    Boolean(bool),
    /// Null or undefined.
    Null,
    /// A simple value that means nothing here.
    Simple,
    Break,
}

/// Reads the head at `at` and returns it with the position after it.
#[inline]
pub(super) fn read(body: &[u8], at: usize) -> Result<(Head, usize), DecodeError> {
    let initial = *body.get(at).ok_or_else(DecodeError::malformed)?;
    let (major, info) = (initial >> 5, initial & 0x1f);
    let (argument, end) = match info {
        0..=23 => (u64::from(info), at + 1),
        24 => (u64::from(u8::from_be_bytes(bytes(body, at + 1)?)), at + 2),
        25 => (u64::from(u16::from_be_bytes(bytes(body, at + 1)?)), at + 3),
        26 => (u64::from(u32::from_be_bytes(bytes(body, at + 1)?)), at + 5),
        27 => (u64::from_be_bytes(bytes(body, at + 1)?), at + 9),
        31 => (0, at + 1),
        _ => return Err(DecodeError::malformed()),
    };
    let len = (info != 31).then_some(argument);
    let head = match (major, len) {
        (0, Some(value)) => Head::Unsigned(value),
        (1, Some(value)) => Head::Negative(value),
        (2, len) => Head::Bytes(len),
        (3, len) => Head::Text(len),
        (4, len) => Head::List(len),
        (5, len) => Head::Map(len),
        (6, Some(tag)) => Head::Tag(tag),
        (7, None) => Head::Break,
        (7, Some(value)) => special(info, value, &body[at..])?,
        _ => return Err(DecodeError::malformed()),
    };
    Ok((head, end))
}

fn special(info: u8, value: u64, item: &[u8]) -> Result<Head, DecodeError> {
    Ok(match info {
        20 => Head::Boolean(false),
        21 => Head::Boolean(true),
        22 | 23 => Head::Null,
        25 => Head::Float(minicbor::Decoder::new(item).f16().map_err(|_| DecodeError::malformed())?.into()),
        26 => Head::Float(f32::from_bits(u32::try_from(value).map_err(|_| DecodeError::malformed())?).into()),
        27 => Head::Float(f64::from_bits(value)),
        _ => Head::Simple,
    })
}

#[inline]
fn bytes<const N: usize>(body: &[u8], at: usize) -> Result<[u8; N], DecodeError> {
    body.get(at..at + N).and_then(|slice| slice.try_into().ok()).ok_or_else(DecodeError::malformed)
}
