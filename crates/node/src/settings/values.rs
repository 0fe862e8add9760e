//! The kinds of values that settings have, each with its one way of being written: in a flag, a variable or a file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::shard_log::Durability;
use thiserror::Error;

/// The text is not a value of its setting.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not {wanted}")]
pub struct InvalidValue {
    pub text: String,
    /// What would have been one, with its article.
    pub wanted: &'static str,
}

pub(super) fn invalid(text: &str, wanted: &'static str) -> InvalidValue {
    InvalidValue { text: text.chars().take(256).collect(), wanted }
}

/// Serde by way of `Display` and `FromStr`.
macro_rules! as_text {
    ($name:ident) => {
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;
            fn try_from(text: String) -> Result<Self, InvalidValue> {
                text.parse()
            }
        }
    };
}

/// Where the TLS listener has its certificate from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TlsMode {
    /// No TLS listener.
    Off,
    /// A local CA, made at the first start and kept in the data directory.
    Auto,
    /// PEM files: the chain, leaf first, and its key.
    Files { certificate: PathBuf, key: PathBuf },
}
as_text!(TlsMode);

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Auto => f.write_str("auto"),
            Self::Files { certificate, key } => write!(f, "{},{}", certificate.display(), key.display()),
        }
    }
}

impl FromStr for TlsMode {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match (text, text.split_once(',')) {
            ("off", _) => Ok(Self::Off),
            ("auto", _) => Ok(Self::Auto),
            (_, Some((certificate, key))) if !certificate.is_empty() && !key.is_empty() => {
                Ok(Self::Files { certificate: certificate.into(), key: key.into() })
            }
            _ => Err(invalid(text, "auto, off, or CERTIFICATE,KEY (two PEM files)")),
        }
    }
}

/// `sync`, `interval=<duration>` or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DurabilityMode(pub Durability);
as_text!(DurabilityMode);

impl fmt::Display for DurabilityMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Durability::Sync => f.write_str("sync"),
            Durability::Interval(every) => write!(f, "interval={}", Span(every)),
            Durability::None => f.write_str("none"),
        }
    }
}

impl FromStr for DurabilityMode {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wanted = "sync, none, or interval=DURATION (1ms to 60s)";
        match (text, text.strip_prefix("interval=")) {
            ("sync", _) => Ok(Self(Durability::Sync)),
            ("none", _) => Ok(Self(Durability::None)),
            (_, Some(every)) => match every.parse() {
                Ok(Span(every)) if (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&every) => {
                    Ok(Self(Durability::Interval(every)))
                }
                _ => Err(invalid(text, wanted)),
            },
            _ => Err(invalid(text, wanted)),
        }
    }
}

/// Longer ones are misspelt, and far longer ones cannot be added to a time.
const SPAN_MAX: Duration = Duration::from_secs(86_400);

/// A length of time, of a day at most: `250ms`, `10s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);
as_text!(Span);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1000) { write!(f, "{}s", millis / 1000) } else { write!(f, "{millis}ms") }
    }
}

impl FromStr for Span {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wanted = "a duration such as 250ms, 10s, 5m or 1h, of 24h at most";
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(|| invalid(text, wanted))?;
        let (digits, unit) = text.split_at(unit_at);
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(invalid(text, wanted)),
        };
        let count: u64 = digits.parse().map_err(|_| invalid(text, wanted))?;
        let millis = count.checked_mul(millis).ok_or_else(|| invalid(text, wanted))?;
        Some(Self(Duration::from_millis(millis))).filter(|span| span.0 <= SPAN_MAX).ok_or_else(|| invalid(text, wanted))
    }
}

/// A number of bytes: `512KiB`, `64MiB`, `2GiB`, or plain digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize(pub usize);
as_text!(ByteSize);

impl ByteSize {
    #[must_use]
    pub const fn mib(count: usize) -> Self {
        Self(count * 1024 * 1024)
    }
}

const SIZES: [(&str, usize); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1)];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, bytes) = SIZES.into_iter().find(|(_, bytes)| self.0.is_multiple_of(*bytes)).unwrap_or(("", 1));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

impl FromStr for ByteSize {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wanted = "a size such as 512KiB, 64MiB or 2GiB";
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(unit_at);
        let (_, bytes) = SIZES.into_iter().find(|(name, _)| *name == unit).ok_or_else(|| invalid(text, wanted))?;
        let count: usize = digits.parse().map_err(|_| invalid(text, wanted))?;
        count.checked_mul(bytes).map(Self).ok_or_else(|| invalid(text, wanted))
    }
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr + fmt::Display>(good: &[(&str, &str)], bad: &[&str]) {
        for (text, shown) in good {
            let value = text.parse::<T>().ok().unwrap_or_else(|| panic!("{text} is good"));
            assert_eq!(value.to_string(), *shown);
        }
        for text in bad {
            assert!(text.parse::<T>().is_err(), "{text}");
        }
    }

    #[test]
    fn values_have_one_way_of_being_written() {
        check::<Span>(
            &[("0s", "0s"), ("1500ms", "1500ms"), ("2m", "120s"), ("1h", "3600s")],
            &["", "1", "s", "-1s", "1d", "25h", "18446744073709551615ms"],
        );
        check::<ByteSize>(
            &[("64MiB", "64MiB"), ("2048KiB", "2MiB"), ("100", "100"), ("1GiB", "1GiB"), ("0", "0GiB")],
            &["", "MiB", "1MB", "-1", "99999999999999999999", "99999999999GiB"],
        );
        check::<DurabilityMode>(
            &[("sync", "sync"), ("none", "none"), ("interval=50ms", "interval=50ms")],
            &["", "interval", "interval=0s", "interval=2m", "fsync"],
        );
        check::<TlsMode>(
            &[("auto", "auto"), ("off", "off"), ("a.pem,b.pem", "a.pem,b.pem")],
            &["", "a.pem", ",b", "a,"],
        );
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", Secret("hunter2".to_owned())), "***");
    }
}
