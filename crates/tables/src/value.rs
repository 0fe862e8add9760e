//! Values of attributes, and what can be asked of them: type, size, order.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use base::{ByteString, Bytes};
use memchr::memmem;

use crate::number::Number;

/// An item, or a part of one: values by name.
pub type Attributes = BTreeMap<ByteString, Value>;

/// The value of an attribute. Sets have no order and no duplicates, so equal sets are equal here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    S(ByteString),
    N(Number),
    B(Bytes),
    Ss(BTreeSet<ByteString>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Bytes>),
    L(Vec<Value>),
    M(Attributes),
    Bool(bool),
    Null,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    S,
    N,
    B,
    Ss,
    Ns,
    Bs,
    L,
    M,
    Bool,
    Null,
}

impl Kind {
    pub const ALL: [Self; 10] =
        [Self::S, Self::N, Self::B, Self::Ss, Self::Ns, Self::Bs, Self::L, Self::M, Self::Bool, Self::Null];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
            Self::Ss => "SS",
            Self::Ns => "NS",
            Self::Bs => "BS",
            Self::L => "L",
            Self::M => "M",
            Self::Bool => "BOOL",
            Self::Null => "NULL",
        }
    }

    /// As texts about ADD and DELETE name it.
    #[must_use]
    pub const fn long_name(self) -> &'static str {
        match self {
            Self::S => "STRING",
            Self::N => "NUMBER",
            Self::B => "BINARY",
            Self::Ss => "STRING_SET",
            Self::Ns => "NUMBER_SET",
            Self::Bs => "BINARY_SET",
            Self::L => "LIST",
            Self::M => "MAP",
            Self::Bool => "BOOLEAN",
            Self::Null => "NULL",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::Ss | Self::Ns | Self::Bs)
    }
}

impl Value {
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::S(_) => Kind::S,
            Self::N(_) => Kind::N,
            Self::B(_) => Kind::B,
            Self::Ss(_) => Kind::Ss,
            Self::Ns(_) => Kind::Ns,
            Self::Bs(_) => Kind::Bs,
            Self::L(_) => Kind::L,
            Self::M(_) => Kind::M,
            Self::Bool(_) => Kind::Bool,
            Self::Null => Kind::Null,
        }
    }

    /// The bytes that count for the size of an item.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Ss(set) => set.iter().map(|text| text.len()).sum(),
            Self::Ns(set) => set.iter().map(|number| number.size()).sum(),
            Self::Bs(set) => set.iter().map(Bytes::len).sum(),
            Self::L(list) => 3 + list.iter().map(|value| 1 + value.size()).sum::<usize>(),
            Self::M(map) => 3 + map.len() + size(map),
            Self::Bool(_) | Self::Null => 1,
        }
    }

    /// Lists and maps within each other; 0 for anything else.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::L(list) => 1 + list.iter().map(Self::depth).max().unwrap_or(0),
            Self::M(map) => 1 + map.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// This value and those in it: what memory is reckoned by.
    #[must_use]
    pub fn parts(&self) -> usize {
        match self {
            Self::Ss(set) => 1 + set.len(),
            Self::Ns(set) => 1 + set.len(),
            Self::Bs(set) => 1 + set.len(),
            Self::L(list) => 1 + list.iter().map(Self::parts).sum::<usize>(),
            Self::M(map) => 1 + map.values().map(Self::parts).sum::<usize>(),
            _ => 1,
        }
    }

    /// The order of two strings, two numbers or two binaries; others have none.
    #[must_use]
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::S(a), Self::S(b)) => Some(a.cmp(b)),
            (Self::N(a), Self::N(b)) => Some(a.cmp(b)),
            (Self::B(a), Self::B(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Whether it begins with another string or binary.
    #[must_use]
    pub fn begins_with(&self, prefix: &Self) -> bool {
        match (self, prefix) {
            (Self::S(text), Self::S(prefix)) => text.starts_with(&**prefix),
            (Self::B(bytes), Self::B(prefix)) => bytes.starts_with(prefix),
            _ => false,
        }
    }

    /// Whether a value is part of this string, binary, set or list.
    #[must_use]
    pub fn contains(&self, part: &Self) -> bool {
        match (self, part) {
            (Self::S(text), Self::S(part)) => text.contains(&**part),
            // In time that grows with the sum of the lengths, not with their product.
            (Self::B(bytes), Self::B(part)) => memmem::find(bytes, part).is_some(),
            (Self::Ss(set), Self::S(part)) => set.contains(part),
            (Self::Ns(set), Self::N(part)) => set.contains(part),
            (Self::Bs(set), Self::B(part)) => set.contains(part),
            (Self::L(list), part) => list.contains(part),
            _ => false,
        }
    }

    /// What the function `size` answers; `None` for types that have none.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::S(text) => Some(text.encode_utf16().count()),
            Self::B(bytes) => Some(bytes.len()),
            Self::Ss(set) => Some(set.len()),
            Self::Ns(set) => Some(set.len()),
            Self::Bs(set) => Some(set.len()),
            Self::L(list) => Some(list.len()),
            Self::M(map) => Some(map.len()),
            Self::N(_) | Self::Bool(_) | Self::Null => None,
        }
    }
}

/// The size of an item: its names and values.
#[must_use]
pub fn size(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.size()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_documents() {
        let text = |text: &'static str| Value::S(ByteString::from_static(text));
        let list = Value::L(vec![text("abc"), Value::Null]);
        assert_eq!((list.size(), list.depth(), list.parts()), (3 + 4 + 2, 1, 3));
        let map = Value::M([(ByteString::from_static("k"), list)].into());
        assert_eq!((map.size(), map.depth(), map.parts()), (3 + 1 + 1 + 9, 2, 4));
        assert_eq!(size(&[(ByteString::from_static("name"), map)].into()), 4 + 14);
    }

    #[test]
    fn order_is_within_a_type() {
        let number = |value: i64| Value::N(value.into());
        assert_eq!(number(2).order(&number(10)), Some(Ordering::Less));
        assert_eq!(Value::S("2".into()).order(&Value::S("10".into())), Some(Ordering::Greater));
        assert_eq!(number(2).order(&Value::S("2".into())), None);
        assert_eq!(Value::Bool(true).order(&Value::Bool(false)), None);
        assert_eq!(Value::B(Bytes::from_static(b"\xff")).order(&Value::B(Bytes::from_static(b"\x01\x02"))), {
            Some(Ordering::Greater)
        });
    }

    #[test]
    fn parts_are_found() {
        let text = Value::S("abc".into());
        assert!(text.contains(&Value::S("bc".into())) && !text.contains(&Value::S("ac".into())));
        let bytes = Value::B(Bytes::from_static(b"abc"));
        assert!(bytes.contains(&Value::B(Bytes::from_static(b"bc"))) && bytes.contains(&Value::B(Bytes::new())));
        assert!(!bytes.contains(&Value::B(Bytes::from_static(b"abcd"))) && !bytes.contains(&text));
        let set = Value::Ns([Number::from(1_i64)].into());
        assert!(set.contains(&Value::N(Number::from(1_i64))) && !set.contains(&Value::S("1".into())));
        let list = Value::L(vec![Value::Null, set.clone()]);
        assert!(list.contains(&set) && list.contains(&Value::Null) && !list.contains(&Value::Bool(true)));
        assert!(text.begins_with(&Value::S("ab".into())) && !text.begins_with(&bytes));
    }
}
