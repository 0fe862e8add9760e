//! Where partition keys come from.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::str::FromStr;

use base::ByteString;
use base::hash_key::HashKey;

use super::csv::fields;

/// Longest partition key, in characters (service model).
const KEY_CHARACTERS_MAX: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFrom {
    /// Spreads records evenly.
    Random,
    /// Equal lines get equal keys.
    Hash,
    /// A column of a CSV file with a header.
    Csv(String),
    /// A member of the object on each line.
    Json(String),
    Fixed(String),
}

impl FromStr for KeyFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |value: Option<&str>, make: fn(String) -> Self| {
            value.filter(|value| !value.is_empty()).map(|value| make(value.to_owned()))
        };
        match text {
            "random" => Ok(Self::Random),
            "hash" => Ok(Self::Hash),
            _ => named(text.strip_prefix("csv="), Self::Csv)
                .or_else(|| named(text.strip_prefix("json="), Self::Json))
                .or_else(|| named(text.strip_prefix("fixed="), Self::Fixed))
                .ok_or_else(|| "expected random, hash, csv=COLUMN, json=MEMBER or fixed=KEY".to_owned()),
        }
    }
}

/// Makes the key of each line.
pub enum Keys {
    Random { state: RandomState, count: u64 },
    Hash,
    Column(usize),
    Member(String),
    Fixed(ByteString),
}

impl Keys {
    /// `header` is the first line of a CSV file.
    pub fn new(from: &KeyFrom, header: Option<&[u8]>) -> Result<Self, String> {
        Ok(match from {
            KeyFrom::Random => Self::Random { state: RandomState::new(), count: 0 },
            KeyFrom::Hash => Self::Hash,
            KeyFrom::Json(member) => Self::Member(member.clone()),
            KeyFrom::Fixed(key) => Self::Fixed(check(key)?),
            KeyFrom::Csv(column) => {
                let header = header.unwrap_or_default();
                let columns = fields(header);
                let index = columns.iter().position(|name| name.trim() == column).ok_or_else(|| {
                    format!("the first line has no column {column:?}; its columns are {}", columns.join(", "))
                })?;
                Self::Column(index)
            }
        })
    }

    /// The key of a line, or why it has none.
    pub fn next(&mut self, line: &[u8]) -> Result<ByteString, String> {
        match self {
            Self::Random { state, count } => {
                *count += 1;
                Ok(ByteString::from(format!("{:016x}", state.hash_one(*count))))
            }
            Self::Hash => {
                let mut hash = [HashKey::MIN];
                base::md5::hash_keys(&[line], &mut hash);
                Ok(ByteString::from(format!("{:032x}", hash[0].0)))
            }
            Self::Column(index) => {
                let fields = fields(line);
                let count = fields.len();
                let key = fields.get(*index);
                check(key.ok_or_else(|| format!("column {} is missing: there are {count}", *index + 1))?)
            }
            Self::Member(member) => {
                let object: serde_json::Value = serde_json::from_slice(line)
                    .map_err(|error| format!("no JSON from column {} on", error.column()))?;
                match object.get(&*member) {
                    Some(serde_json::Value::String(text)) => check(text),
                    Some(serde_json::Value::Null) | None => Err(format!("no member {member:?}")),
                    Some(other) => check(&other.to_string()),
                }
            }
            Self::Fixed(key) => Ok(key.clone()),
        }
    }
}

fn check(key: &str) -> Result<ByteString, String> {
    match key.chars().take(KEY_CHARACTERS_MAX + 1).count() {
        0 => Err("the partition key is empty".to_owned()),
        1..=KEY_CHARACTERS_MAX => Ok(ByteString::from(key)),
        _ => Err(format!("the partition key is longer than {KEY_CHARACTERS_MAX} characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_lines() {
        let make = |from: &str, header: &str| Keys::new(&from.parse().expect("valid"), Some(header.as_bytes()));
        let mut column = make("csv=b", "a, b").expect("there");
        assert_eq!(column.next(b"1,2").as_deref(), Ok("2"));
        assert_eq!(column.next(b"1").expect_err("short"), "column 2 is missing: there are 1");
        assert_eq!(column.next(b"1,").expect_err("empty"), "the partition key is empty");
        assert!(make("csv=z", "a,b").is_err_and(|e| e.ends_with("its columns are a, b")));
        let mut member = make("json=id", "").expect("valid");
        assert_eq!(member.next(br#"{"id":"x"}"#).as_deref(), Ok("x"));
        assert_eq!(member.next(br#"{"id":7}"#).as_deref(), Ok("7"));
        assert_eq!(member.next(b"{}").expect_err("no id"), "no member \"id\"");
        assert_eq!(member.next(b"{} x").expect_err("no JSON"), "no JSON from column 4 on");
        let mut hash = make("hash", "").expect("valid");
        assert_eq!(hash.next(b"").as_deref(), Ok("d41d8cd98f00b204e9800998ecf8427e"));
        assert!("csv=".parse::<KeyFrom>().is_err());
        assert!(make(&format!("fixed={}", "k".repeat(257)), "").is_err());
    }
}
