//! Helpers of generated `Validate`: the constraints of the models, in the words of AWS.
//!
//! Nothing here allocates or formats until a constraint is broken.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use base::ByteString;
use base::codec::Validate;
use base::violations::{VIOLATIONS_LISTED_MAX, Violations};

use crate::pattern::Pattern;
use crate::read::segment;

/// Whether a string has between `min` and `max` characters.
#[must_use]
pub fn fits(value: &str, min: usize, max: usize) -> bool {
    let bytes = value.len();
    // A character has one to four bytes, so most strings need no counting.
    if bytes <= max && bytes >= min.saturating_mul(4) {
        return true;
    }
    if bytes < min {
        return false;
    }
    (min..=max).contains(&value.chars().count())
}

/// The length of a string, in characters.
#[inline]
pub fn length(violations: &mut Violations, path: &str, value: &str, min: usize, max: usize) {
    if !fits(value, min, max) {
        breach(violations, path, value.chars().count(), min, max, &value);
    }
}

/// The size of a blob, in bytes.
#[inline]
pub fn bytes(violations: &mut Violations, path: &str, value: &[u8], min: usize, max: usize) {
    size(violations, path, value.len(), min, max, &Buffer(value.len()));
}

/// The size of a list or map.
#[inline]
pub fn size(violations: &mut Violations, path: &str, len: usize, min: usize, max: usize, shown: &dyn Display) {
    if len < min || len > max {
        breach(violations, path, len, min, max, shown);
    }
}

#[cold]
fn breach(violations: &mut Violations, path: &str, len: usize, min: usize, max: usize, shown: &dyn Display) {
    if len > max {
        violations.add(path, shown, format!("Member must have length less than or equal to {max}"));
    }
    if len < min {
        violations.add(path, shown, format!("Member must have length greater than or equal to {min}"));
    }
}

/// What all elements of a list, or keys or values of a map, must fulfil: reported once, for the whole.
#[inline]
pub fn all(violations: &mut Violations, path: &str, fulfilled: bool, shown: &dyn Display, constraint: &'static str) {
    if !fulfilled {
        violations.add(path, shown, constraint);
    }
}

/// The smallest value of a number.
#[inline]
pub fn at_least<T: PartialOrd + Display>(violations: &mut Violations, path: &str, value: T, min: T) {
    if value < min {
        violations.add(path, value, format!("Member must have value greater than or equal to {min}"));
    }
}

/// The largest value of a number.
#[inline]
pub fn at_most<T: PartialOrd + Display>(violations: &mut Violations, path: &str, value: T, max: T) {
    if value > max {
        violations.add(path, value, format!("Member must have value less than or equal to {max}"));
    }
}

/// The pattern of a string.
#[inline]
pub fn pattern(violations: &mut Violations, path: &str, value: &str, pattern: &Pattern) {
    if !pattern.matches(value) {
        let constraint = format!("Member must satisfy regular expression pattern: {}", pattern.text());
        violations.add(path, value, constraint);
    }
}

/// A value outside of its enumeration. `constraint` is the whole text.
#[cold]
pub fn not_in_enum(violations: &mut Violations, path: &str, value: &str, constraint: &'static str) {
    violations.add(path, value, constraint);
}

/// The constraints of a structure.
#[inline]
pub fn structure<T: Validate>(violations: &mut Violations, path: &str, value: &T) {
    let mark = violations.mark();
    value.validate(violations);
    if violations.mark() != mark {
        violations.prefix(mark, path);
    }
}

/// The constraints of every element of a list. `path` is empty inside another list.
#[inline]
pub fn elements<T>(
    violations: &mut Violations,
    path: &str,
    list: impl IntoIterator<Item = T>,
    mut check: impl FnMut(&mut Violations, T),
) {
    for (i, element) in list.into_iter().enumerate() {
        let mark = violations.mark();
        check(violations, element);
        if violations.mark() != mark {
            violations.prefix(mark, segment(path, i + 1));
        }
    }
}

/// The constraints of every value of a map.
pub fn values<T>(
    violations: &mut Violations,
    path: &str,
    map: &BTreeMap<ByteString, T>,
    mut check: impl FnMut(&mut Violations, &T),
) {
    for (key, value) in map {
        let mark = violations.mark();
        check(violations, value);
        if violations.mark() != mark {
            violations.prefix(mark, segment(path, key));
        }
    }
}

/// A blob as AWS prints it.
struct Buffer(usize);

impl Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", self.0)
    }
}

/// A list of scalars as AWS prints it.
pub struct Listed<'a, T>(pub &'a [T]);

impl<T: Display> Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, element) in self.0.iter().enumerate() {
            write!(f, "{}{element}", if i == 0 { "[" } else { ", " })?;
        }
        f.write_str(if self.0.is_empty() { "[]" } else { "]" })
    }
}

/// A map of scalars as AWS prints it.
pub struct Mapped<'a, T>(pub &'a BTreeMap<ByteString, T>);

impl<T: Display> Display for Mapped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (key, value)) in self.0.iter().enumerate() {
            write!(f, "{}{key}={value}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}

/// A list of structures as AWS prints it: class names with an identity. The first few are enough.
pub struct Objects {
    pub class: &'static str,
    pub count: usize,
}

impl Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for i in 0..self.count.min(VIOLATIONS_LISTED_MAX) {
            write!(f, "{}{}@{i:x}", if i == 0 { "" } else { ", " }, self.class)?;
        }
        f.write_str(if self.count > VIOLATIONS_LISTED_MAX { ", ...]" } else { "]" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(fits("", 0, 4));
        assert!(!fits("", 1, 4));
        assert!(fits("ééé", 1, 3));
        assert!(!fits("éééé", 1, 3));
        assert!(!fits("é", 2, 3));
        assert!(fits("éa", 2, 3));
    }

    #[test]
    fn values_are_shown_as_aws_shows_them() {
        assert_eq!(Listed(&["a", "b"]).to_string(), "[a, b]");
        assert_eq!(Listed::<&str>(&[]).to_string(), "[]");
        let map = BTreeMap::from([(ByteString::from_static("k"), "v"), (ByteString::from_static("l"), "")]);
        assert_eq!(Mapped(&map).to_string(), "{k=v, l=}");
        assert_eq!(Buffer(3).to_string(), "java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]");
        assert_eq!(Objects { class: "C", count: 2 }.to_string(), "[C@0, C@1]");
    }
}
