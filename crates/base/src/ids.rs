//! Identifiers of accounts, regions, streams, shards and consumers: checked once, where they enter.

use std::fmt;
use std::str::FromStr;

use bytestring::ByteString;
use thiserror::Error;

/// The text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{value:?} is not a valid {kind}")]
pub struct InvalidId {
    pub kind: &'static str,
    pub value: String,
}

impl InvalidId {
    pub(crate) fn new(kind: &'static str, value: &str) -> Self {
        Self { kind, value: value.chars().take(256).collect() }
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(ByteString);

        impl $name {
            /// # Errors
            /// When the text breaks the rule for this identifier.
            pub fn new(text: impl Into<ByteString>) -> Result<Self, InvalidId> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(InvalidId::new($kind, &text)) }
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            #[must_use]
            pub fn text(&self) -> ByteString {
                self.0.clone()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

text_id!(
    /// Twelve decimal digits.
    AccountId, "account id", |t| t.len() == 12 && t.bytes().all(|b| b.is_ascii_digit())
);
text_id!(
    /// An AWS region name such as `us-east-1`: lower-case letters, digits and hyphens, at most 64.
    Region, "region", |t| {
        (1..=64).contains(&t.len())
            && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
);
text_id!(
    /// `[a-zA-Z0-9_.-]{1,128}`.
    StreamName, "stream name", is_name
);
text_id!(
    /// `[a-zA-Z0-9_.-]{1,128}`.
    ConsumerName, "consumer name", is_name
);

impl AccountId {
    /// The account of keys that name none.
    #[must_use]
    pub fn zero() -> Self {
        Self(ByteString::from_static("000000000000"))
    }
}

/// Number of a shard within its stream, counted from 0 and never used twice in a stream's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardIndex(pub u32);

impl ShardIndex {
    /// The greatest index that AWS accepts.
    pub const MAX: Self = Self(i32::MAX as u32);
}

impl fmt::Display for ShardIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shardId-{:012}", self.0)
    }
}

impl FromStr for ShardIndex {
    type Err = InvalidId;

    /// Accepts what AWS accepts: `shardId-0`, `0`, or any prefix before the first hyphen.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId::new("shard id", text);
        let digits = text.split_once('-').map_or(text, |(_, rest)| rest);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid());
        }
        let index: u64 = digits
            .trim_start_matches('0')
            .parse()
            .or_else(|_| if digits.bytes().all(|b| b == b'0') { Ok(0) } else { Err(invalid()) })?;
        let index = u32::try_from(index).map_err(|_| invalid())?;
        if index > Self::MAX.0 { Err(invalid()) } else { Ok(Self(index)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_ids_are_normalised_as_the_service_does() {
        for (text, index) in [
            ("shardId-000000000007", 7),
            ("shardId-0", 0),
            ("3", 3),
            ("x-12", 12),
            ("shardId-2147483647", i32::MAX as u32),
        ] {
            assert_eq!(text.parse(), Ok(ShardIndex(index)), "{text}");
        }
        for text in
            ["", "shardId-", "shardId-2147483648", "shardId-1a", "a", "shardId--1", "shardId-99999999999999999999999"]
        {
            assert!(text.parse::<ShardIndex>().is_err(), "{text}");
        }
        assert_eq!(ShardIndex(7).to_string(), "shardId-000000000007");
    }

    #[test]
    fn names_have_rules() {
        assert!(StreamName::new("a.b_c-9").is_ok());
        assert!(StreamName::new("").is_err());
        assert!(StreamName::new("a".repeat(129)).is_err());
        assert!(AccountId::new("12345678901").is_err());
    }
}
