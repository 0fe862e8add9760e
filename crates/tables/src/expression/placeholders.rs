//! ExpressionAttributeNames and ExpressionAttributeValues of one request. Each must be used by some expression.

use std::collections::{BTreeMap, BTreeSet};

use api::dynamodb::AttributeValue;
use base::ByteString;
use thiserror::Error;

use super::Fault;
use crate::convert::{self, ValueError};
use crate::limits::EXPRESSION_VALUES_BYTES_MAX;
use crate::value::Value;

#[derive(Debug)]
pub struct Placeholders {
    names: BTreeMap<ByteString, ByteString>,
    values: BTreeMap<ByteString, Value>,
    unused_names: BTreeSet<ByteString>,
    unused_values: BTreeSet<ByteString>,
    /// Memory that copies of values may still take.
    values_bytes_left: usize,
}

/// Placeholders that cannot be used, or are not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlaceholderError {
    #[error("ExpressionAttribute{0} must not be empty")]
    Empty(&'static str),
    #[error("ExpressionAttribute{kind} contains invalid key: Syntax error; key: \"{key}\"")]
    Key { kind: &'static str, key: ByteString },
    #[error("ExpressionAttributeValues contains invalid value: {error} for key {key}")]
    Value { key: ByteString, error: ValueError },
    #[error("Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{keys}}}")]
    Unused { kind: &'static str, keys: String },
}

const NAMES: &str = "Names";
const VALUES: &str = "Values";

impl Placeholders {
    pub fn new(
        names: Option<BTreeMap<ByteString, ByteString>>,
        values: Option<BTreeMap<ByteString, AttributeValue>>,
    ) -> Result<Self, PlaceholderError> {
        if names.as_ref().is_some_and(BTreeMap::is_empty) {
            return Err(PlaceholderError::Empty(NAMES));
        }
        if values.as_ref().is_some_and(BTreeMap::is_empty) {
            return Err(PlaceholderError::Empty(VALUES));
        }
        let (names, values) = (names.unwrap_or_default(), values.unwrap_or_default());
        check_keys(names.keys(), '#', NAMES)?;
        check_keys(values.keys(), ':', VALUES)?;
        let convert = |(key, value)| match convert::top_value(value) {
            Ok(value) => Ok((key, value)),
            Err(error) => Err(PlaceholderError::Value { key, error }),
        };
        let values: BTreeMap<ByteString, Value> = values.into_iter().map(convert).collect::<Result<_, _>>()?;
        let (unused_names, unused_values) = (names.keys().cloned().collect(), values.keys().cloned().collect());
        let values_bytes_left = EXPRESSION_VALUES_BYTES_MAX;
        Ok(Self { names, values, unused_names, unused_values, values_bytes_left })
    }

    pub fn name(&mut self, key: &str) -> Result<ByteString, Fault> {
        let name = self.names.get(key).ok_or_else(|| Fault::UnknownName(key.to_owned()))?;
        self.unused_names.remove(key);
        Ok(name.clone())
    }

    pub fn value(&mut self, key: &str) -> Result<Value, Fault> {
        let value = self.values.get(key).ok_or_else(|| Fault::UnknownValue(key.to_owned()))?;
        self.unused_values.remove(key);
        let bytes = value.size() + value.parts() * size_of::<Value>();
        self.values_bytes_left = self.values_bytes_left.checked_sub(bytes).ok_or(Fault::ValuesTooLarge)?;
        Ok(value.clone())
    }

    /// When all expressions have been parsed.
    pub fn finish(self) -> Result<(), PlaceholderError> {
        for (kind, unused) in [(NAMES, self.unused_names), (VALUES, self.unused_values)] {
            if !unused.is_empty() {
                let keys = unused.into_iter().collect::<Vec<_>>().join(", ");
                return Err(PlaceholderError::Unused { kind, keys });
            }
        }
        Ok(())
    }
}

fn check_keys<'a>(
    keys: impl Iterator<Item = &'a ByteString>,
    first: char,
    kind: &'static str,
) -> Result<(), PlaceholderError> {
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    for key in keys {
        if !key.strip_prefix(first).is_some_and(is_word) {
            return Err(PlaceholderError::Key { kind, key: key.clone() });
        }
    }
    Ok(())
}
