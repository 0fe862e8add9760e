//! Settings that are on or off.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use super::values::{InvalidValue, invalid};

const WANTED: &str = "on or off (or true, false, yes, no, 1, 0)";

/// `on` or `off`. The other words that people use for them are understood too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    On,
    Off,
}

impl Switch {
    #[must_use]
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() { "on" } else { "off" })
    }
}

impl FromStr for Switch {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let is_one_of = |words: [&str; 4]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        if is_one_of(["on", "true", "yes", "1"]) {
            Ok(Self::On)
        } else if is_one_of(["off", "false", "no", "0"]) {
            Ok(Self::Off)
        } else {
            Err(invalid(text, WANTED))
        }
    }
}

/// Reads a flag or variable that is a boolean elsewhere.
///
/// # Errors
/// When the text is not one of the words for on and off.
pub fn parse_bool(text: &str) -> Result<bool, InvalidValue> {
    text.parse().map(Switch::is_on)
}

impl Serialize for Switch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Words)
    }
}

/// For a setting that is a boolean in the layer.
pub(super) fn optional_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Switch::deserialize(deserializer).map(|switch| Some(switch.is_on()))
}

struct Words;

impl Visitor<'_> for Words {
    type Value = Switch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Switch, E> {
        Ok(on.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Switch, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Switch, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_for_on_and_off_is_understood() {
        for (on, off) in [("on", "off"), ("true", "false"), ("yes", "no"), ("1", "0"), ("ON", "Off"), ("True", "NO")] {
            assert_eq!((on.parse(), off.parse()), (Ok(Switch::On), Ok(Switch::Off)));
            assert_eq!((parse_bool(on), parse_bool(off)), (Ok(true), Ok(false)));
        }
        for text in ["", "2", "o", "enabled", " on"] {
            let error = text.parse::<Switch>().expect_err(text).to_string();
            assert!(error.contains("is not on or off (or true, false"), "{error}");
        }
    }
}
