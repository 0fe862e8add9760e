//! JSON's grammar over bytes that are known to be UTF-8. Positions are byte offsets into the body.

use crate::DEPTH_MAX;

/// The body breaks the grammar of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl From<Malformed> for base::codec::DecodeError {
    fn from(_: Malformed) -> Self {
        Self::malformed()
    }
}

/// Where a string's text ends (at its closing quote), and whether it has escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StringSpan {
    pub end: usize,
    pub escaped: bool,
}

/// Where a number ends, and whether it has neither fraction nor exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberSpan {
    pub end: usize,
    pub integral: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Whether the text goes between quotes as it is. Looks at every byte, whatever the first ones are: that way the
/// compiler turns the loop into vector code.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    !bytes.iter().fold(false, |special, b| special | (*b < 0x20) | (*b == b'"') | (*b == b'\\'))
}

/// First position from `at` on that holds a quote, a backslash or a control character; the length if none does.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        // Each term has the high bit set in the lowest byte that matches; bytes above it may be wrong, so only
        // the lowest counts.
        let quote = word ^ (ONES * 0x22);
        let backslash = word ^ (ONES * 0x5c);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if found & HIGHS != 0 {
            return at + (found & HIGHS).trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len())
}

#[inline]
pub(super) fn white_end(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Scans the string whose text begins at `start`, after the opening quote.
#[inline]
pub(super) fn string(bytes: &[u8], start: usize) -> Result<StringSpan, Malformed> {
    let mut escaped = false;
    let mut at = start;
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(StringSpan { end: at, escaped }),
            Some(b'\\') => {
                escaped = true;
                at = escape(bytes, at)?.1;
            }
            _ => return Err(Malformed),
        }
    }
}

/// The character that the escape at `at` (its backslash) stands for, and where the escape ends.
fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), Malformed> {
    let plain = match bytes.get(at + 1).ok_or(Malformed)? {
        b'u' => return unicode_escape(bytes, at),
        same @ (b'"' | b'\\' | b'/') => char::from(*same),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return Err(Malformed),
    };
    Ok((plain, at + 2))
}

/// Characters beyond 16 bits come as a pair of escapes; half a pair is refused.
fn unicode_escape(bytes: &[u8], at: usize) -> Result<(char, usize), Malformed> {
    let first = hex4(bytes, at + 2)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, at + 6));
    }
    if bytes.get(at + 6..at + 8) != Some(b"\\u") {
        return Err(Malformed);
    }
    let second = hex4(bytes, at + 8)?;
    if !(0xd800..0xdc00).contains(&first) || !(0xdc00..0xe000).contains(&second) {
        return Err(Malformed);
    }
    let character = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(Malformed)?;
    Ok((character, at + 12))
}

fn hex4(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    let digits = bytes.get(at..at + 4).ok_or(Malformed)?;
    digits.iter().try_fold(0, |value, digit| Ok(value << 4 | char::from(*digit).to_digit(16).ok_or(Malformed)?))
}

/// The text of a string with escapes. `raw` lies between the quotes and has been scanned.
pub(super) fn unescape(raw: &str) -> Result<String, Malformed> {
    let mut out = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &raw.as_bytes()[at..]) {
        out.push_str(&raw[at..at + offset]);
        let (character, end) = escape(raw.as_bytes(), at + offset)?;
        out.push(character);
        at = end;
    }
    out.push_str(&raw[at..]);
    Ok(out)
}

pub(super) fn number(bytes: &[u8], start: usize) -> Result<NumberSpan, Malformed> {
    let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
    let whole = digits_end(bytes, at);
    if whole == at || (bytes[at] == b'0' && whole > at + 1) {
        return Err(Malformed);
    }
    at = whole;
    if bytes.get(at) == Some(&b'.') {
        let end = digits_end(bytes, at + 1);
        if end == at + 1 {
            return Err(Malformed);
        }
        at = end;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let start = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits_end(bytes, start);
        if at == start {
            return Err(Malformed);
        }
    }
    Ok(NumberSpan { end: at, integral: at == whole })
}

fn digits_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

pub(super) fn literal(bytes: &[u8], at: usize, word: &'static [u8]) -> Result<usize, Malformed> {
    if bytes.get(at..at + word.len()) == Some(word) { Ok(at + word.len()) } else { Err(Malformed) }
}

/// Passes over the value at `at`, which may nest `depth_left` deep, and returns where it ends.
pub(super) fn skip(bytes: &[u8], mut at: usize, depth_left: usize) -> Result<usize, Malformed> {
    // One bit for each open container, the innermost lowest: set for an object.
    const { assert!(DEPTH_MAX <= u128::BITS as usize) };
    let mut objects = 0u128;
    let mut depth = 0;
    loop {
        at = white_end(bytes, at);
        let byte = *bytes.get(at).ok_or(Malformed)?;
        match byte {
            b'"' => at = string(bytes, at + 1)?.end + 1,
            b'-' | b'0'..=b'9' => at = number(bytes, at)?.end,
            b't' => at = literal(bytes, at, b"true")?,
            b'f' => at = literal(bytes, at, b"false")?,
            b'n' => at = literal(bytes, at, b"null")?,
            b'{' | b'[' => {
                if depth == depth_left {
                    return Err(Malformed);
                }
                depth += 1;
                let is_object = byte == b'{';
                objects = objects << 1 | u128::from(is_object);
                at = white_end(bytes, at + 1);
                match (bytes.get(at), is_object) {
                    // Empty: closed below.
                    (Some(b'}'), true) | (Some(b']'), false) => {}
                    (_, true) => {
                        at = key(bytes, at)?;
                        continue;
                    }
                    (_, false) => continue,
                }
            }
            _ => return Err(Malformed),
        }
        // After a value: close what ends here, or go on to the next one.
        loop {
            if depth == 0 {
                return Ok(at);
            }
            at = white_end(bytes, at);
            let in_object = objects & 1 == 1;
            match (bytes.get(at), in_object) {
                (Some(b'}'), true) | (Some(b']'), false) => {
                    at += 1;
                    depth -= 1;
                    objects >>= 1;
                }
                (Some(b','), true) => {
                    at = key(bytes, white_end(bytes, at + 1))?;
                    break;
                }
                (Some(b','), false) => {
                    at += 1;
                    break;
                }
                _ => return Err(Malformed),
            }
        }
    }
}

/// Passes over a member's name and colon.
fn key(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    if bytes.get(at) != Some(&b'"') {
        return Err(Malformed);
    }
    let end = string(bytes, at + 1)?.end + 1;
    literal(bytes, white_end(bytes, end), b":")
}
