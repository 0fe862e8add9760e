//! Forms: `application/x-www-form-urlencoded`, in a body or behind the question mark of a URL.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use base::codec::DecodeError;
use bytes::Bytes;
use bytestring::ByteString;

use crate::protocol::essence;

/// Largest form that is read. The largest call by form is PutMetricData, of which the service takes 1 MB.
pub const FORM_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most parameters of a form: PutMetricData at its largest and densest has half of them.
pub const PARAMETERS_MAX: usize = 65_536;

/// Whether a `Content-Type` is that of forms.
#[must_use]
pub fn is_form(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// What a form asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'a> {
    pub action: Cow<'a, str>,
    /// The date that names an API; `None` when the form has none.
    pub version: Option<Cow<'a, str>>,
}

impl<'a> Call<'a> {
    /// Looks for the operation in a form and at nothing else of it, so that it costs little. `None` when the form
    /// names none. Of equal parameters the first counts, as it does for AWS.
    #[must_use]
    pub fn of(form: &'a [u8]) -> Option<Self> {
        let (mut action, mut version) = (None, None);
        for piece in form.split(|byte| *byte == b'&') {
            let slot = match split(piece).0 {
                b"Action" => &mut action,
                b"Version" => &mut version,
                _ => continue,
            };
            if slot.is_none() {
                *slot = Some(text(split(piece).1)?);
            }
        }
        Some(Self { action: action?, version })
    }
}

/// A value on its own; `None` when it is not text.
fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    if memchr::memchr2(b'%', b'+', value).is_none() {
        return std::str::from_utf8(value).ok().map(Cow::Borrowed);
    }
    let mut decoded = Vec::with_capacity(value.len());
    push_decoded(&mut decoded, value).ok()?;
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// A parameter, by where it stands in the decoded text.
#[derive(Debug, Clone)]
struct Parameter {
    name: Range<usize>,
    value: Range<usize>,
}

/// The parameters of a form in the order of their paths, so that what belongs to one member stands together.
#[derive(Debug)]
pub(super) struct Form {
    text: ByteString,
    parameters: Vec<Parameter>,
}

impl Form {
    pub fn decode(body: &Bytes) -> Result<Self, DecodeError> {
        if body.len() > FORM_BYTES_MAX {
            return Err(DecodeError::new(format!("A form may have {FORM_BYTES_MAX} bytes.")));
        }
        // Separators stay in the text, so that no character spans two parts of it.
        let mut decoded = Vec::with_capacity(body.len() + 1);
        let mut parameters = Vec::new();
        for piece in body.split(|byte| *byte == b'&') {
            let (name, value) = split(piece);
            if name.is_empty() {
                continue;
            }
            if parameters.len() == PARAMETERS_MAX {
                return Err(DecodeError::new(format!("A form may have {PARAMETERS_MAX} parameters.")));
            }
            let name = push_decoded(&mut decoded, name)?;
            decoded.push(b'=');
            let value = push_decoded(&mut decoded, value)?;
            decoded.push(b'&');
            parameters.push(Parameter { name, value });
        }
        let text = ByteString::try_from(decoded).map_err(|_| DecodeError::malformed())?;
        // Stable, so that the first of equal parameters stays the first, and is the one that counts.
        parameters.sort_by(|a, b| compare_paths(&text[a.name.clone()], &text[b.name.clone()]));
        parameters.dedup_by(|later, first| text[later.name.clone()] == text[first.name.clone()]);
        Ok(Self { text, parameters })
    }

    pub fn len(&self) -> usize {
        self.parameters.len()
    }

    pub fn name(&self, index: usize) -> &str {
        &self.text[self.parameters[index].name.clone()]
    }

    pub fn value(&self, index: usize) -> &str {
        &self.text[self.parameters[index].value.clone()]
    }

    /// The value as a slice of the form's own memory.
    pub fn shared_value(&self, index: usize) -> ByteString {
        self.text.slice_ref(self.value(index))
    }
}

fn split(piece: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'=', piece) {
        Some(at) => (&piece[..at], &piece[at + 1..]),
        None => (piece, b""),
    }
}

/// Appends what an encoded text stands for and returns where it was put.
fn push_decoded(out: &mut Vec<u8>, mut text: &[u8]) -> Result<Range<usize>, DecodeError> {
    let start = out.len();
    while let Some(at) = memchr::memchr2(b'%', b'+', text) {
        out.extend_from_slice(&text[..at]);
        if text[at] == b'+' {
            out.push(b' ');
            text = &text[at + 1..];
            continue;
        }
        let digit = |i: usize| text.get(at + i).and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(1), digit(2)) else { return Err(DecodeError::malformed()) };
        out.push((high * 16 + low) as u8);
        text = &text[at + 3..];
    }
    out.extend_from_slice(text);
    Ok(start..out.len())
}

/// Segment by segment; numbers by value, and before words.
fn compare_paths(a: &str, b: &str) -> Ordering {
    a.split('.').map(segment_key).cmp(b.split('.').map(segment_key))
}

fn segment_key(segment: &str) -> (bool, usize, &str) {
    let is_number = is_number(segment);
    // Without leading zeros, a longer number is a larger one.
    (!is_number, if is_number { segment.len() } else { 0 }, segment)
}

/// Whether a segment is the place of an element in a list.
pub(super) fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(form: &str) -> Result<Vec<(String, String)>, DecodeError> {
        let form = Form::decode(&Bytes::copy_from_slice(form.as_bytes()))?;
        Ok((0..form.len()).map(|i| (form.name(i).to_owned(), form.value(i).to_owned())).collect())
    }

    #[track_caller]
    fn check(form: &str, expected: &[(&str, &str)]) {
        let found = decode(form).expect("well formed");
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(found, expected, "{form}");
    }

    #[test]
    fn parameters_are_decoded_and_ordered() {
        check("", &[]);
        check("&&=x&", &[]);
        check("a=1+2%2b%C3%A9&b", &[("a", "1+2+é".replace("1+", "1 ").as_str()), ("b", "")]);
        check("a%2E1=x=y&a=", &[("a", ""), ("a.1", "x=y")]);
        check(
            "L.10=c&L.x=d&La=f&L.9=b&L.1.z=a&L=e",
            &[("L", "e"), ("L.1.z", "a"), ("L.9", "b"), ("L.10", "c"), ("L.x", "d"), ("La", "f")],
        );
        check("a=first&b=x&a=second", &[("a", "first"), ("b", "x")]);
    }

    #[test]
    fn what_is_not_a_form_is_refused() {
        // The last is one character only when its halves, which are of two parts, are put together.
        for form in ["a=%", "a=%4", "a=%zz", "%=a", "a=%ff", "%C3=%A9"] {
            assert_eq!(decode(form), Err(DecodeError::malformed()), "{form}");
        }
        assert!(decode(&"a".repeat(FORM_BYTES_MAX)).is_ok());
        assert!(decode(&"a".repeat(FORM_BYTES_MAX + 1)).is_err());
        let parameters = |count: usize| (0..count).map(|i| format!("{i}&")).collect::<String>();
        assert!(decode(&parameters(PARAMETERS_MAX)).is_ok());
        assert!(decode(&parameters(PARAMETERS_MAX + 1)).is_err());
    }

    #[test]
    fn the_operation_is_found() {
        let call = |form: &'static str| {
            Call::of(form.as_bytes()).map(|call| (call.action.into_owned(), call.version.map(Cow::into_owned)))
        };
        let found = |action: &str, version: Option<&str>| Some((action.to_owned(), version.map(str::to_owned)));
        assert_eq!(call("Action=A&Version=1"), found("A", Some("1")));
        assert_eq!(call("x=1&Version=2%2D1&Action=A+b"), found("A b", Some("2-1")));
        assert_eq!(call("Action=A&Action=B"), found("A", None));
        assert_eq!(call("Action"), found("", None));
        assert_eq!(call("Version=1&action=A"), None);
        assert_eq!(call("Action=%ff"), None);
    }
}
