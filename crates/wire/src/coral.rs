//! How AWS words a value of the wrong type (`SerializationException`).

use base::codec::DecodeError;

/// What the body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    String,
    Number,
    Boolean,
    List,
    Map,
    /// Nothing that has a place here: null within a list, or no value at all.
    Nothing,
}

/// What the shape asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    String,
    Blob,
    Boolean,
    Integer,
    Long,
    Double,
    Timestamp,
    List,
    Map,
    Structure,
}

/// The error for a value of one type where another was wanted.
#[cold]
pub(crate) fn wrong_type(wanted: Wanted, found: Found) -> DecodeError {
    let class = match found {
        Found::List => return DecodeError::new("Start of list found where not expected"),
        Found::Map => return DecodeError::new("Start of structure or map found where not expected."),
        Found::Nothing => return DecodeError::malformed(),
        Found::String => "java.lang.String",
        Found::Boolean => "java.lang.Boolean",
        Found::Number => "com.amazon.coral.value.json.numbers.TruncatingBigNumber",
    };
    let target = match wanted {
        Wanted::List => return DecodeError::new("Expected list or null"),
        Wanted::Map => return DecodeError::new("Expected map or null"),
        Wanted::Structure => return DecodeError::new("Expected null"),
        Wanted::String => "an String",
        Wanted::Blob => "a Blob",
        Wanted::Boolean => "an Boolean",
        Wanted::Integer => "an Integer",
        Wanted::Long => "an Long",
        Wanted::Double => "an Double",
        Wanted::Timestamp => "milliseconds since epoch",
    };
    DecodeError::new(format!("class {class} can not be converted to {target}"))
}

/// Text of a value that an error repeats at most; AWS repeats all of it.
const ECHO_BYTES_MAX: usize = 8 * 1024;

/// The beginning of a text that an error repeats.
pub(crate) fn echo(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(ECHO_BYTES_MAX)]).into_owned()
}

/// A text where a boolean is wanted: some words will do.
pub(crate) fn boolean(text: &str) -> Result<bool, DecodeError> {
    let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(["true", "yes", "1"]) {
        Ok(true)
    } else if is(["false", "no", "0"]) {
        Ok(false)
    } else {
        let upper = echo(text.as_bytes()).to_uppercase();
        Err(DecodeError::new(format!("'{upper}' can not be converted to an Boolean")))
    }
}

/// A float where an integer is wanted: floored, and saturated when out of range.
#[expect(clippy::cast_possible_truncation, reason = "float to int casts saturate, which is what is wanted")]
pub(crate) fn floor(value: f64) -> i64 {
    value.floor() as i64
}

/// A 64-bit value where 32 bits are wanted: saturated.
pub(crate) fn saturate(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}
