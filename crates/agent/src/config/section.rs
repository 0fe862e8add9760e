//! Typed reading of one object of the configuration, with the names of what was not asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::ConfigError;

/// An object, and how errors name it.
pub struct Section<'a> {
    place: String,
    values: &'a Map<String, Value>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Section<'a> {
    /// `place` is the start of messages, such as `flow 1 (/var/log/a*): `; empty for the top of the file.
    pub fn new(place: String, values: &'a Map<String, Value>) -> Self {
        Self { place, values, asked: RefCell::default() }
    }

    pub fn place(&self) -> &str {
        &self.place
    }

    pub fn error(&self, key: &str, reason: impl Into<String>) -> ConfigError {
        ConfigError::Value { place: self.place.clone(), key: key.to_owned(), reason: reason.into() }
    }

    /// The value of a key; `null` counts as absent.
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.values.get(key).filter(|value| !value.is_null())
    }

    pub fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.error(key, format!("{other} is not text"))),
        }
    }

    /// A whole number, which the Kinesis Agent also takes as text.
    pub fn number(&self, key: &str, default: u64, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(default) };
        let number = match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            self.error(key, format!("{value} is not a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// A switch, which the Kinesis Agent also takes as text.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.value(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(self.error(key, format!("{other} is neither true nor false"))),
        }
    }

    /// One of some names.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, choice)) => Ok(Some(*choice)),
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                Err(self.error(key, format!("{text:?} is none of {}", names.join(", "))))
            }
        }
    }

    pub fn texts(&self, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let texts = value.as_array().and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
        });
        texts.map(Some).ok_or_else(|| self.error(key, format!("{value} is not a list of texts")))
    }

    pub fn objects(&self, key: &str) -> Result<Vec<&'a Map<String, Value>>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let objects = value.as_array().and_then(|items| items.iter().map(Value::as_object).collect());
        objects.ok_or_else(|| self.error(key, "is not a list of objects"))
    }

    /// Keys of the Kinesis Agent that tune what is made differently here.
    pub fn pass_over(&self, keys: &[&str]) {
        self.asked.borrow_mut().extend(keys.iter().map(|key| (*key).to_owned()));
    }

    /// Warns of a key that cannot be honoured.
    pub fn warn_if_set(&self, key: &str, why: &str, warnings: &mut Vec<String>) {
        if self.value(key).is_some() {
            warnings.push(format!("{}{key}: {why}", self.place));
        }
    }

    /// Names the keys that nobody asked for.
    pub fn finish(&self, warnings: &mut Vec<String>) {
        let asked = self.asked.borrow();
        for key in self.values.keys().filter(|key| !asked.contains(*key)) {
            warnings.push(format!("{}{key}: not known, ignored", self.place));
        }
    }
}
