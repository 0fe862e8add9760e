//! Rules of tags.

use std::collections::BTreeMap;

use base::ByteString;
use base::limits::TAGS_PER_RESOURCE_MAX;
use thiserror::Error;

const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;

/// Why tags are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TagError {
    #[error("tag key {0:?} breaks the rules")]
    Key(String),
    #[error("value of tag {0:?} breaks the rules")]
    Value(String),
    #[error("tag key {0:?} is reserved")]
    Reserved(String),
    #[error("{0} tags are too many")]
    TooMany(usize),
}

/// Adds tags; those with the same key are replaced.
///
/// # Errors
/// When a tag breaks the rules or there would be too many. `tags` is unchanged then.
pub fn add(tags: &mut BTreeMap<String, String>, added: &BTreeMap<ByteString, ByteString>) -> Result<(), TagError> {
    let mut merged = tags.clone();
    for (key, value) in added {
        let owned = || key.to_string();
        if key.is_empty() || key.chars().count() > KEY_MAX || !key.chars().all(is_allowed) {
            return Err(TagError::Key(owned()));
        }
        if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            return Err(TagError::Reserved(owned()));
        }
        if value.chars().count() > VALUE_MAX || !value.chars().all(is_allowed) {
            return Err(TagError::Value(owned()));
        }
        merged.insert(owned(), value.to_string());
    }
    if merged.len() > TAGS_PER_RESOURCE_MAX {
        return Err(TagError::TooMany(merged.len()));
    }
    *tags = merged;
    Ok(())
}

/// Letters, digits and white space of any script, and `_.:/=+-@`.
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str) -> Result<(), TagError> {
        add(&mut BTreeMap::new(), &BTreeMap::from([(key.into(), value.into())]))
    }

    #[test]
    fn rules() {
        assert_eq!(check("Κλειδί 1_.:/=+-@", ""), Ok(()));
        assert_eq!(check("", "v"), Err(TagError::Key(String::new())));
        assert_eq!(check("a;b", "v"), Err(TagError::Key("a;b".into())));
        assert_eq!(check("k", "a<b"), Err(TagError::Value("k".into())));
        assert_eq!(check("AWS:x", "v"), Err(TagError::Reserved("AWS:x".into())));
        assert_eq!(check(&"k".repeat(129), "v"), Err(TagError::Key("k".repeat(129))));
        assert_eq!(check("k", &"v".repeat(257)), Err(TagError::Value("k".into())));
    }

    #[test]
    fn fifty_and_no_more() {
        let fifty = |from: usize| (from..from + 50).map(|i| (format!("k{i}").into(), "v".into())).collect();
        let mut tags = BTreeMap::new();
        assert_eq!(add(&mut tags, &fifty(0)), Ok(()));
        assert_eq!(add(&mut tags, &fifty(0)), Ok(()));
        assert_eq!(add(&mut tags, &fifty(1)), Err(TagError::TooMany(51)));
        assert_eq!(tags.len(), 50);
    }
}
