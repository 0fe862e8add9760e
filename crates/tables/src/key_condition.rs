//! Which items a Query asks for: one partition, and perhaps a range of its sort keys.

use std::ops::Bound;

use base::{ByteString, Bytes};
use thiserror::Error;

use crate::condition::Comparison;
use crate::item_key::{ItemKey, behind_prefix, successor};
use crate::schema::{KeyAttribute, KeySchema, key_bytes};
use crate::value::{Kind, Value};

/// What is asked of one attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTest {
    Compare(Comparison, Value),
    Between(Value, Value),
    BeginsWith(Value),
}

/// Tests by attribute, whatever form they came in.
pub type KeyTests = Vec<(ByteString, KeyTest)>;

/// A run of places in a table or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    pub lower: Bound<ItemKey>,
    pub upper: Bound<ItemKey>,
}

/// Why a Query asks for nothing that a key can answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyConditionError {
    #[error("Conditions can be of length 1 or 2 only")]
    Count,
    #[error("Query condition missed key schema element: {0}")]
    Missing(ByteString),
    #[error("Query key condition not supported")]
    NotSupported,
    #[error("Attempted conditional constraint is not an indexable operation")]
    NotIndexable,
    #[error("One or more parameter values were invalid: Condition parameter type does not match schema type")]
    Type,
    #[error(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
         string value. Key: {0}"
    )]
    Empty(ByteString),
    #[error("KeyConditionExpressions must only contain one condition per key")]
    Twice,
    #[error("Invalid operator used in KeyConditionExpression: {0}")]
    Operator(&'static str),
    #[error(
        "Invalid condition in KeyConditionExpression: {0} operator must have the key attribute as its first operand"
    )]
    NotFirst(&'static str),
    #[error("Invalid condition in KeyConditionExpression: No key attribute specified")]
    NoKey,
    #[error("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")]
    TwoNames,
    #[error("KeyConditionExpressions cannot have conditions on nested attributes")]
    Nested,
    #[error("KeyConditionExpressions cannot contain nested operations")]
    Operation,
}

impl KeyRange {
    /// Everything.
    pub const ALL: Self = Self { lower: Bound::Unbounded, upper: Bound::Unbounded };

    /// The items that fulfil the tests.
    pub fn new(tests: &KeyTests, keys: &KeySchema) -> Result<Self, KeyConditionError> {
        if !(1..=2).contains(&tests.len()) {
            return Err(KeyConditionError::Count);
        }
        let find = |name: &ByteString| tests.iter().find(|(tested, _)| tested == name).map(|(_, test)| test);
        let partition = &keys.partition;
        let test = find(&partition.name).ok_or_else(|| KeyConditionError::Missing(partition.name.clone()))?;
        let KeyTest::Compare(Comparison::Equal, value) = test else { return Err(KeyConditionError::NotSupported) };
        let start = ItemKey::new(bytes(value, partition)?, Bytes::new());
        if start.partition.is_empty() {
            return Err(KeyConditionError::Empty(partition.name.clone()));
        }
        let test = match (&keys.sort, tests.len()) {
            (_, 1) => None,
            (None, _) => return Err(KeyConditionError::NotSupported),
            (Some(sort), _) => {
                let test = find(&sort.name).ok_or_else(|| KeyConditionError::Missing(sort.name.clone()))?;
                Some((sort, test))
            }
        };
        let behind = Bound::Excluded(start.behind_partition());
        let Some((sort, test)) = test else { return Ok(Self { lower: Bound::Included(start), upper: behind }) };
        Self::within(&start, behind, sort, test)
    }

    /// The part of a partition that a test leaves.
    fn within(
        start: &ItemKey,
        behind: Bound<ItemKey>,
        sort: &KeyAttribute,
        test: &KeyTest,
    ) -> Result<Self, KeyConditionError> {
        let from = |bytes: Bytes| Bound::Included(start.at_sort(bytes));
        let until = |bytes: Bytes| Bound::Excluded(start.at_sort(bytes));
        let first = Bound::Included(start.clone());
        let (lower, upper) = match test {
            KeyTest::Compare(comparison, value) => {
                let at = bytes(value, sort)?;
                let next = successor(&at);
                match comparison {
                    Comparison::Equal => (from(at), until(next)),
                    Comparison::Less => (first, until(at)),
                    Comparison::LessOrEqual => (first, until(next)),
                    Comparison::Greater => (from(next), behind),
                    Comparison::GreaterOrEqual => (from(at), behind),
                    Comparison::NotEqual => return Err(KeyConditionError::NotIndexable),
                }
            }
            KeyTest::Between(low, high) => (from(bytes(low, sort)?), until(successor(&bytes(high, sort)?))),
            KeyTest::BeginsWith(prefix) => {
                if sort.kind == Kind::N {
                    return Err(KeyConditionError::NotIndexable);
                }
                let prefix = bytes(prefix, sort)?;
                let upper = behind_prefix(&prefix).map_or(behind, until);
                (from(prefix), upper)
            }
        };
        Ok(Self { lower, upper })
    }

    /// Whether a place is within it.
    #[must_use]
    pub fn holds(&self, key: &ItemKey) -> bool {
        let above = match &self.lower {
            Bound::Included(lower) => key >= lower,
            Bound::Excluded(lower) => key > lower,
            Bound::Unbounded => true,
        };
        let below = match &self.upper {
            Bound::Included(upper) => key <= upper,
            Bound::Excluded(upper) => key < upper,
            Bound::Unbounded => true,
        };
        above && below
    }

    /// What comes behind a place within it, in one direction or the other.
    #[must_use]
    pub fn behind(mut self, key: ItemKey, forward: bool) -> Self {
        if forward {
            self.lower = Bound::Excluded(key);
        } else {
            self.upper = Bound::Excluded(key);
        }
        self
    }

    /// Whether there can be nothing in it: sorted maps do not take such bounds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (Bound::Included(lower) | Bound::Excluded(lower), Bound::Included(upper) | Bound::Excluded(upper)) => {
                lower >= upper
            }
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        }
    }
}

fn bytes(value: &Value, attribute: &KeyAttribute) -> Result<Bytes, KeyConditionError> {
    if value.kind() != attribute.kind {
        return Err(KeyConditionError::Type);
    }
    key_bytes(value).ok_or(KeyConditionError::Type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &'static str, kind: Kind) -> KeyAttribute {
        KeyAttribute { name: name.into(), kind }
    }

    fn keys(sort: Kind) -> KeySchema {
        KeySchema { partition: attribute("p", Kind::S), sort: Some(attribute("s", sort)) }
    }

    fn equal(name: &'static str, value: Value) -> (ByteString, KeyTest) {
        (name.into(), KeyTest::Compare(Comparison::Equal, value))
    }

    /// Which of the sort keys -3…3 a test leaves.
    fn left(test: KeyTest) -> Vec<i64> {
        let range = KeyRange::new(&vec![equal("p", Value::S("a".into())), ("s".into(), test)], &keys(Kind::N))
            .expect("a range");
        let at = |n: i64| ItemKey::new(Bytes::from_static(b"a"), key_bytes(&Value::N(n.into())).expect("a number"));
        (-3..=3).filter(|n| range.holds(&at(*n))).collect()
    }

    #[test]
    fn ranges_of_sort_keys() {
        let number = |n: i64| Value::N(n.into());
        assert_eq!(left(KeyTest::Compare(Comparison::Equal, number(1))), [1]);
        assert_eq!(left(KeyTest::Compare(Comparison::Less, number(-1))), [-3, -2]);
        assert_eq!(left(KeyTest::Compare(Comparison::LessOrEqual, number(-1))), [-3, -2, -1]);
        assert_eq!(left(KeyTest::Compare(Comparison::Greater, number(1))), [2, 3]);
        assert_eq!(left(KeyTest::Compare(Comparison::GreaterOrEqual, number(1))), [1, 2, 3]);
        assert_eq!(left(KeyTest::Between(number(-1), number(1))), [-1, 0, 1]);
        assert_eq!(left(KeyTest::Between(number(1), number(-1))), [0i64; 0]);
    }

    #[test]
    fn prefixes() {
        let tests = vec![equal("p", Value::S("a".into())), ("s".into(), KeyTest::BeginsWith(Value::S("xy".into())))];
        let range = KeyRange::new(&tests, &keys(Kind::S)).expect("a range");
        let at = |sort: &'static str| ItemKey::new(Bytes::from_static(b"a"), Bytes::from_static(sort.as_bytes()));
        let found: Vec<&str> = ["x", "xy", "xyz", "xz"].into_iter().filter(|sort| range.holds(&at(sort))).collect();
        assert_eq!(found, ["xy", "xyz"]);
        assert_eq!(KeyRange::new(&tests, &keys(Kind::N)), Err(KeyConditionError::NotIndexable));
    }

    #[test]
    fn what_a_key_cannot_answer() {
        let text = || Value::S("a".into());
        let both = keys(Kind::S);
        let alone = KeySchema { sort: None, ..both.clone() };
        for (tests, keys, error) in [
            (vec![], &both, KeyConditionError::Count),
            (vec![equal("s", text())], &both, KeyConditionError::Missing("p".into())),
            (vec![equal("p", text()), equal("x", text())], &both, KeyConditionError::Missing("s".into())),
            (vec![equal("p", text()), equal("s", text())], &alone, KeyConditionError::NotSupported),
            (vec![("p".into(), KeyTest::BeginsWith(text()))], &both, KeyConditionError::NotSupported),
            (vec![equal("p", Value::Null)], &both, KeyConditionError::Type),
            (vec![equal("p", Value::S("".into()))], &both, KeyConditionError::Empty("p".into())),
        ] {
            assert_eq!(KeyRange::new(&tests, keys), Err(error));
        }
    }
}
