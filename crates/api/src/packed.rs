//! Lists of small structures whose members lie one after the other in two buffers of the list: hundreds of elements cost
//! a handful of allocations, and no reference counts.
//!
//! For structures whose members are strings and blobs only. An element is borrowed from its list.

use std::fmt::{self, Debug};
use std::marker::PhantomData;

use base::BytesMut;
use base::codec::{DecodeError, Encode, Reader};
use base::violations::Violations;

/// Room for strings that a list begins with when it is read.
const TEXT_EXPECTED_BYTES: usize = 1024;

/// Where the value of a member lies in its buffer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The member is not set.
    pub const ABSENT: Self = Self { start: 0, len: u32::MAX };

    /// # Panics
    /// When the list's members of one kind reach 4 GiB together.
    fn new(start: usize, end: usize) -> Self {
        let narrow = |number| u32::try_from(number).expect("a list of an API stays far below 4 GiB");
        Self { start: narrow(start), len: narrow(end) - narrow(start) }
    }

    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }

    fn is_set(self) -> bool {
        self.len != Self::ABSENT.len
    }
}

/// The members of a list's elements.
#[derive(Debug, Clone, Default)]
pub struct Arena {
    text: String,
    blobs: BytesMut,
}

impl Arena {
    /// Takes the next value, a string.
    ///
    /// # Errors
    /// When it is none.
    pub fn read_string(&mut self, reader: &mut dyn Reader) -> Result<Span, DecodeError> {
        let start = self.text.len();
        reader.string_into(&mut self.text)?;
        Ok(Span::new(start, self.text.len()))
    }

    /// Takes the next value, a blob.
    ///
    /// # Errors
    /// When it is none.
    pub fn read_blob(&mut self, reader: &mut dyn Reader) -> Result<Span, DecodeError> {
        let start = self.blobs.len();
        reader.blob_into(&mut self.blobs)?;
        Ok(Span::new(start, self.blobs.len()))
    }

    pub fn push_string(&mut self, value: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(value);
        Span::new(start, self.text.len())
    }

    pub fn push_blob(&mut self, value: &[u8]) -> Span {
        let start = self.blobs.len();
        self.blobs.extend_from_slice(value);
        Span::new(start, self.blobs.len())
    }

    #[must_use]
    pub fn string(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    #[must_use]
    pub fn string_if_set(&self, span: Span) -> Option<&str> {
        span.is_set().then(|| self.string(span))
    }

    #[must_use]
    pub fn blob(&self, span: Span) -> &[u8] {
        &self.blobs[span.range()]
    }

    #[must_use]
    pub fn blob_if_set(&self, span: Span) -> Option<&[u8]> {
        span.is_set().then(|| self.blob(span))
    }
}

/// A structure with `N` members whose lists are packed. Implemented by generated code.
pub trait Packed<const N: usize> {
    /// An element.
    type Entry<'a>: Copy + Debug + PartialEq + Encode;

    /// Reads an element into the buffers.
    ///
    /// # Errors
    /// As [`base::codec::Decode::decode`].
    fn decode(r: &mut dyn Reader, v: &mut Violations, arena: &mut Arena) -> Result<[Span; N], DecodeError>;

    /// Copies an element into the buffers.
    fn pack(entry: Self::Entry<'_>, arena: &mut Arena) -> [Span; N];

    /// The element whose members are given.
    fn entry(members: [Span; N], arena: &Arena) -> Self::Entry<'_>;
}

/// A list of `T`.
pub struct PackedList<T, const N: usize> {
    entries: Vec<[Span; N]>,
    arena: Arena,
    of: PhantomData<T>,
}

impl<T: Packed<N>, const N: usize> PackedList<T, N> {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty list with room for so many elements, whose strings take so many bytes together.
    #[must_use]
    pub fn with_capacity(elements: usize, text_bytes: usize) -> Self {
        let arena = Arena { text: String::with_capacity(text_bytes), blobs: BytesMut::new() };
        Self { entries: Vec::with_capacity(elements), arena, of: PhantomData }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[must_use]
    pub fn get(&self, index: usize) -> Option<T::Entry<'_>> {
        self.entries.get(index).map(|members| T::entry(*members, &self.arena))
    }

    pub fn iter(&self) -> Elements<'_, T, N> {
        Elements { entries: self.entries.iter(), arena: &self.arena, of: PhantomData }
    }

    /// Copies an element to the end of the list.
    ///
    /// # Panics
    /// When the strings or the blobs of the list reach 4 GiB together.
    pub fn push(&mut self, entry: T::Entry<'_>) {
        let members = T::pack(entry, &mut self.arena);
        self.entries.push(members);
    }

    /// Reads the next element, and keeps it if there are not more than `elements_max` before it.
    pub(crate) fn decode_next(
        &mut self,
        reader: &mut dyn Reader,
        violations: &mut Violations,
        elements_max: usize,
    ) -> Result<(), DecodeError> {
        let (text, blobs) = (self.arena.text.len(), self.arena.blobs.len());
        let members = T::decode(reader, violations, &mut self.arena)?;
        if self.entries.len() <= elements_max {
            self.entries.push(members);
        } else {
            self.arena.text.truncate(text);
            self.arena.blobs.truncate(blobs);
        }
        Ok(())
    }

    /// An empty list with room for what a request is likely to have.
    pub(crate) fn expecting(elements: usize) -> Self {
        Self::with_capacity(elements, TEXT_EXPECTED_BYTES)
    }
}

impl<T, const N: usize> Default for PackedList<T, N> {
    fn default() -> Self {
        Self { entries: Vec::new(), arena: Arena::default(), of: PhantomData }
    }
}

impl<T, const N: usize> Clone for PackedList<T, N> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), arena: self.arena.clone(), of: PhantomData }
    }
}

impl<T: Packed<N>, const N: usize> Debug for PackedList<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Packed<N>, const N: usize> PartialEq for PackedList<T, N> {
    /// Equal elements, wherever they lie.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(one, another)| one == another)
    }
}

impl<'a, T: Packed<N>, const N: usize> IntoIterator for &'a PackedList<T, N> {
    type Item = T::Entry<'a>;
    type IntoIter = Elements<'a, T, N>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Iterator over a [`PackedList`].
pub struct Elements<'a, T, const N: usize> {
    entries: std::slice::Iter<'a, [Span; N]>,
    arena: &'a Arena,
    of: PhantomData<T>,
}

impl<'a, T: Packed<N>, const N: usize> Iterator for Elements<'a, T, N> {
    type Item = T::Entry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().map(|members| T::entry(*members, self.arena))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl<T: Packed<N>, const N: usize> ExactSizeIterator for Elements<'_, T, N> {}

#[cfg(test)]
mod tests {
    use crate::kinesis::{PutRecordsResultEntry, PutRecordsResultEntryList};

    #[test]
    fn elements_come_back_as_they_went_in() {
        let stored = PutRecordsResultEntry { sequence_number: Some("1"), shard_id: Some("s"), ..Default::default() };
        let refused = PutRecordsResultEntry { error_code: Some(""), error_message: Some("no"), ..Default::default() };
        let list: PutRecordsResultEntryList = [stored, refused, stored].into_iter().collect();
        assert_eq!((list.len(), list.iter().len(), list.get(3)), (3, 3, None));
        assert_eq!(list.iter().collect::<Vec<_>>(), [stored, refused, stored]);
        assert_eq!(list.get(1).and_then(|entry| entry.error_code), Some(""), "empty is not absent");
    }

    #[test]
    fn lists_are_equal_by_their_elements() {
        let entry = |text| PutRecordsResultEntry { shard_id: Some(text), ..Default::default() };
        let list = |texts: [&'static str; 2]| texts.into_iter().map(entry).collect::<PutRecordsResultEntryList>();
        assert_eq!(list(["ab", "c"]), list(["ab", "c"]).clone());
        assert_ne!(list(["ab", "c"]), list(["a", "bc"]));
        assert_ne!(list(["ab", "c"]), PutRecordsResultEntryList::new());
    }
}
