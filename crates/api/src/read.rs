//! Helpers of generated `Decode`: members that must be there, lists and maps with their limits.

use std::collections::BTreeMap;

use base::ByteString;
use base::codec::{Decode, DecodeError, Reader};
use base::violations::Violations;

use crate::packed::{Packed, PackedList};

/// Room that a list begins with, so that the first of its elements need not be moved again and again.
const ELEMENTS_EXPECTED: usize = 64;

/// The value of a required member; notes its absence and stands in the default.
pub fn required<T: Default>(value: Option<T>, member: &str, violations: &mut Violations) -> T {
    value.unwrap_or_else(|| {
        violations.missing(member);
        T::default()
    })
}

/// A member that is a structure.
pub fn structure<T: Decode>(
    reader: &mut dyn Reader,
    violations: &mut Violations,
    member: &str,
) -> Result<T, DecodeError> {
    let mark = violations.mark();
    let value = T::decode(reader, violations)?;
    violations.prefix(mark, member);
    Ok(value)
}

/// A list. Keeps one element more than the model allows, so that validation sees the breach, and reads past
/// the others, so that a body of tiny elements cannot grow in memory. `member` is empty inside another list.
pub fn list<T>(
    reader: &mut dyn Reader,
    violations: &mut Violations,
    member: &str,
    elements_max: usize,
    mut element: impl FnMut(&mut dyn Reader, &mut Violations) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut list = Vec::with_capacity(expected(elements_max));
    elements(reader, violations, member, |reader, violations| {
        let value = element(reader, violations)?;
        if list.len() <= elements_max {
            list.push(value);
        }
        Ok(())
    })?;
    Ok(list)
}

/// As [`list`], for structures whose lists are packed.
pub fn packed<T: Packed<N>, const N: usize>(
    reader: &mut dyn Reader,
    violations: &mut Violations,
    member: &str,
    elements_max: usize,
) -> Result<PackedList<T, N>, DecodeError> {
    let mut list = PackedList::expecting(expected(elements_max));
    elements(reader, violations, member, |reader, violations| list.decode_next(reader, violations, elements_max))?;
    Ok(list)
}

fn expected(elements_max: usize) -> usize {
    elements_max.saturating_add(1).min(ELEMENTS_EXPECTED)
}

/// Reads every element of a list; what is found in the n-th is noted under its number.
fn elements(
    reader: &mut dyn Reader,
    violations: &mut Violations,
    member: &str,
    mut element: impl FnMut(&mut dyn Reader, &mut Violations) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut count = 0_usize;
    reader.begin_list()?;
    while reader.next_element()? {
        let mark = violations.mark();
        element(reader, violations)?;
        count += 1;
        if violations.mark() != mark {
            violations.prefix(mark, segment(member, count));
        }
    }
    Ok(())
}

/// A map with string keys; bounded as [`list`] is. The last of equal keys wins.
pub fn map<T>(
    reader: &mut dyn Reader,
    violations: &mut Violations,
    member: &str,
    entries_max: usize,
    mut value: impl FnMut(&mut dyn Reader, &mut Violations) -> Result<T, DecodeError>,
) -> Result<BTreeMap<ByteString, T>, DecodeError> {
    let mut map = BTreeMap::new();
    reader.begin_map()?;
    while let Some(key) = reader.next_key()? {
        let mark = violations.mark();
        let value = value(reader, violations)?;
        if violations.mark() != mark {
            violations.prefix(mark, segment(member, &key));
        }
        if map.len() <= entries_max {
            map.insert(key, value);
        }
    }
    Ok(map)
}

/// `records.1.member`, or `1.member` inside another list.
pub(crate) fn segment(member: &str, element: impl std::fmt::Display) -> String {
    if member.is_empty() { format!("{element}.member") } else { format!("{member}.{element}.member") }
}
