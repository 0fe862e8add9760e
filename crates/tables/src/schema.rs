//! Keys and indexes of a table: which attributes they are made of, and what an item has to do with them.

use base::{ByteString, Bytes};
use thiserror::Error;

use crate::item_key::ItemKey;
use crate::limits::{PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX};
use crate::value::{Attributes, Kind, Value};

/// An attribute that is part of a key. Its kind is S, N or B.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAttribute {
    pub name: ByteString,
    pub kind: Kind,
}

/// The key of a table or of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySchema {
    pub partition: KeyAttribute,
    pub sort: Option<KeyAttribute>,
}

/// Whose partition keys an index has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Its own.
    Global,
    /// The table's.
    Local,
}

/// What an index shows of an item beside the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    All,
    KeysOnly,
    Include(Vec<ByteString>),
}

/// A secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub name: ByteString,
    pub scope: Scope,
    pub keys: KeySchema,
    pub projection: Projection,
    pub throughput: Option<Throughput>,
}

/// Capacity units per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throughput {
    pub read: i64,
    pub write: i64,
}

/// Why something is no key of a table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("The provided key element does not match the schema")]
    NotTheSchema,
    #[error("One or more parameter values were invalid: Missing the key {0} in the item")]
    Missing(ByteString),
    #[error(
        "One or more parameter values were invalid: Type mismatch for key {name} expected: {expected} actual: {actual}"
    )]
    Type { name: ByteString, expected: &'static str, actual: &'static str },
    #[error(
        "One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {expected} Actual: \
         {actual} IndexName: {index}"
    )]
    IndexType { name: ByteString, expected: &'static str, actual: &'static str, index: ByteString },
    #[error(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
         {kind} value. Key: {name}"
    )]
    Empty { name: ByteString, kind: &'static str },
    #[error(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The \
         AttributeValue for a key attribute cannot contain an empty {kind} value. IndexName: {index}, IndexKey: {name}"
    )]
    IndexEmpty { name: ByteString, kind: &'static str, index: ByteString },
    #[error(
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
    )]
    PartitionTooLarge,
    #[error(
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of \
         1024 bytes"
    )]
    SortTooLarge,
}

impl KeySchema {
    /// The attributes: partition key first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.partition).chain(&self.sort)
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == *name)
    }

    /// The key of an item that is to be stored.
    pub fn of_item(&self, item: &Attributes) -> Result<ItemKey, KeyError> {
        for KeyAttribute { name, kind } in self.attributes() {
            let value = item.get(name).ok_or_else(|| KeyError::Missing(name.clone()))?;
            if value.kind() != *kind {
                let (expected, actual) = (kind.as_str(), value.kind().as_str());
                return Err(KeyError::Type { name: name.clone(), expected, actual });
            }
        }
        self.checked(item)
    }

    /// The key that a request gives: these attributes and no others.
    pub fn of_key(&self, key: &Attributes) -> Result<ItemKey, KeyError> {
        if key.len() != self.attributes().count() {
            return Err(KeyError::NotTheSchema);
        }
        for KeyAttribute { name, kind } in self.attributes() {
            if key.get(name).map(Value::kind) != Some(*kind) {
                return Err(KeyError::NotTheSchema);
            }
        }
        self.checked(key)
    }

    /// The key of an item in an index; `None` when the index does not hold it.
    #[must_use]
    pub fn in_index(&self, item: &Attributes) -> Option<ItemKey> {
        let partition = self.partition.bytes(item)?;
        let sort = match &self.sort {
            None => Bytes::new(),
            Some(sort) => sort.bytes(item)?,
        };
        Some(ItemKey::new(partition, sort))
    }

    fn checked(&self, item: &Attributes) -> Result<ItemKey, KeyError> {
        let key = self.in_index(item).ok_or(KeyError::NotTheSchema)?;
        for attribute in self.attributes() {
            if let Some(kind) = attribute.is_empty_in(item) {
                return Err(KeyError::Empty { name: attribute.name.clone(), kind });
            }
        }
        if key.partition.len() > PARTITION_KEY_BYTES_MAX {
            return Err(KeyError::PartitionTooLarge);
        }
        if key.sort.len() > SORT_KEY_BYTES_MAX {
            return Err(KeyError::SortTooLarge);
        }
        Ok(key)
    }

    /// The attributes of the key alone.
    #[must_use]
    pub fn extract(&self, item: &Attributes) -> Attributes {
        let found = self.attributes().filter_map(|attribute| item.get_key_value(&attribute.name));
        found.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl KeyAttribute {
    /// The value's bytes, which sort as the values do. `None` without a value of the right type.
    fn bytes(&self, item: &Attributes) -> Option<Bytes> {
        let value = item.get(&self.name)?;
        if value.kind() == self.kind { key_bytes(value) } else { None }
    }

    /// The word for its type when the value is an empty string or binary.
    fn is_empty_in(&self, item: &Attributes) -> Option<&'static str> {
        match item.get(&self.name)? {
            Value::S(text) if text.is_empty() => Some("string"),
            Value::B(bytes) if bytes.is_empty() => Some("binary"),
            _ => None,
        }
    }
}

/// The bytes of a value in a key, which sort as the values of its type do. `None` for types that keys do not have.
#[must_use]
pub fn key_bytes(value: &Value) -> Option<Bytes> {
    match value {
        Value::S(text) => Some(text.as_bytes().clone()),
        Value::B(bytes) => Some(bytes.clone()),
        Value::N(number) => Some(number.sort_bytes().into()),
        _ => None,
    }
}

impl Index {
    /// An item need not be in an index, but must not have values of other types, or empty ones, in its key.
    pub fn check(&self, item: &Attributes) -> Result<(), KeyError> {
        for attribute in self.keys.attributes() {
            let (name, index) = (&attribute.name, &self.name);
            let Some(value) = item.get(name) else { continue };
            if value.kind() != attribute.kind {
                let (expected, actual) = (attribute.kind.as_str(), value.kind().as_str());
                return Err(KeyError::IndexType { name: name.clone(), expected, actual, index: index.clone() });
            }
            if let Some(kind) = attribute.is_empty_in(item) {
                return Err(KeyError::IndexEmpty { name: name.clone(), kind, index: index.clone() });
            }
        }
        if let Some(key) = self.keys.in_index(item) {
            if key.partition.len() > PARTITION_KEY_BYTES_MAX {
                return Err(KeyError::PartitionTooLarge);
            }
            if key.sort.len() > SORT_KEY_BYTES_MAX {
                return Err(KeyError::SortTooLarge);
            }
        }
        Ok(())
    }

    /// Whether the index shows an attribute of the items of a table with these keys.
    #[must_use]
    pub fn shows(&self, name: &str, table: &KeySchema) -> bool {
        match &self.projection {
            Projection::All => true,
            Projection::KeysOnly => self.keys.has(name) || table.has(name),
            Projection::Include(names) => {
                self.keys.has(name) || table.has(name) || names.iter().any(|included| *included == *name)
            }
        }
    }

    /// What the index shows of an item.
    #[must_use]
    pub fn project(&self, item: &Attributes, table: &KeySchema) -> Attributes {
        let shown = item.iter().filter(|(name, _)| self.shows(name, table));
        shown.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> KeySchema {
        let attribute = |name: &'static str, kind| KeyAttribute { name: ByteString::from_static(name), kind };
        KeySchema { partition: attribute("p", Kind::S), sort: Some(attribute("s", Kind::N)) }
    }

    fn item(partition: Value, sort: Value) -> Attributes {
        [("p".into(), partition), ("s".into(), sort), ("other".into(), Value::Null)].into()
    }

    #[test]
    fn keys_of_items() {
        let key = schema().of_item(&item(Value::S("a".into()), Value::N(1_i64.into()))).expect("a key");
        assert_eq!(&key.partition[..], b"a");
        for (partition, sort, error) in [
            (Value::Null, Value::N(1_i64.into()), "Type mismatch for key p expected: S actual: NULL"),
            (Value::S("a".into()), Value::S("1".into()), "Type mismatch for key s expected: N actual: S"),
            (
                Value::S("a".repeat(2049).into()),
                Value::N(1_i64.into()),
                "Size of hashkey has exceeded the maximum size limit of2048 bytes",
            ),
        ] {
            let found = schema().of_item(&item(partition, sort)).expect_err(error).to_string();
            assert_eq!(found, format!("One or more parameter values were invalid: {error}"));
        }
        let empty = schema().of_item(&item(Value::S("".into()), Value::N(1_i64.into())));
        assert_eq!(empty, Err(KeyError::Empty { name: "p".into(), kind: "string" }));
    }

    #[test]
    fn keys_of_requests_are_exact() {
        let mut key = item(Value::S("a".into()), Value::N(1_i64.into()));
        assert_eq!(schema().of_key(&key), Err(KeyError::NotTheSchema));
        key.remove("other");
        assert!(schema().of_key(&key).is_ok());
        key.remove("s");
        assert_eq!(schema().of_key(&key), Err(KeyError::NotTheSchema));
        key.insert("x".into(), Value::Null);
        assert_eq!(schema().of_key(&key), Err(KeyError::NotTheSchema));
    }

    #[test]
    fn an_index_holds_items_with_its_keys_and_shows_its_projection() {
        let mut index = Index {
            name: "i".into(),
            scope: Scope::Global,
            keys: schema(),
            projection: Projection::KeysOnly,
            throughput: None,
        };
        let whole = item(Value::S("a".into()), Value::N(1_i64.into()));
        let mut partial = whole.clone();
        partial.remove("s");
        assert!(index.keys.in_index(&whole).is_some() && index.keys.in_index(&partial).is_none());
        assert_eq!((index.check(&whole), index.check(&partial)), (Ok(()), Ok(())));
        assert_eq!(index.project(&whole, &schema()).len(), 2);
        index.projection = Projection::Include(vec!["other".into()]);
        assert_eq!(index.project(&whole, &schema()).len(), 3);
        let wrong = item(Value::S("a".into()), Value::S("1".into()));
        assert_eq!(
            index.check(&wrong).expect_err("a string").to_string(),
            "One or more parameter values were invalid: Type mismatch for Index Key s Expected: N Actual: S IndexName: i"
        );
    }
}
