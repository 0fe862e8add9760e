//! Collects broken constraints of a request and words them as AWS does.
//!
//! Texts and the limit of ten follow facts recorded against the service (`ValidationException`).

use std::fmt::Display;

/// AWS lists at most this many broken constraints in one answer.
pub const VIOLATIONS_LISTED_MAX: usize = 10;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Violation {
    /// Path from the value under inspection, such as `records.1.member.partitionKey`.
    path: String,
    value: String,
    constraint: String,
}

/// The broken constraints of one request, in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    found: Vec<Violation>,
    /// How many were found in all, listed or not.
    count: usize,
}

impl Violations {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A mark for [`Violations::prefix`]: what is added later belongs to a nested value.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.found.len()
    }

    /// Prepends a path segment to everything added since `mark`. `segment` is the lower-camel member name,
    /// or `<name>.<n>.member` for the n-th (from 1) element of a list member.
    ///
    /// What lies at or below a member already noted as missing is dropped: only its absence counts.
    pub fn prefix(&mut self, mark: usize, segment: impl Display) {
        let nested = self.found.split_off(mark);
        for mut violation in nested {
            violation.path =
                if violation.path.is_empty() { segment.to_string() } else { format!("{segment}.{}", violation.path) };
            if self.found.iter().any(|v| v.value == "null" && is_at_or_below(&violation.path, &v.path)) {
                self.count -= 1;
            } else {
                self.found.push(violation);
            }
        }
    }

    /// A required member is missing.
    pub fn missing(&mut self, member: &str) {
        self.add(member, "null", "Member must not be null");
    }

    /// The value breaks a constraint. A member already noted as missing gets no second entry.
    /// `value` is what AWS prints between quotes.
    pub fn add(&mut self, path: &str, value: impl Display, constraint: impl Into<String>) {
        if self.found.iter().any(|v| v.path == path && v.value == "null") {
            return;
        }
        self.count += 1;
        if self.found.len() < VIOLATIONS_LISTED_MAX {
            self.found.push(Violation {
                path: path.to_owned(),
                value: value.to_string(),
                constraint: constraint.into(),
            });
        }
    }

    /// The message of the `ValidationException`; `None` when nothing was broken.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let count = self.found.len();
        let parts: Vec<String> = self
            .found
            .iter()
            .map(|v| {
                let value = if v.value == "null" { "null".to_owned() } else { format!("'{}'", v.value) };
                format!("Value {value} at '{}' failed to satisfy constraint: {}", v.path, v.constraint)
            })
            .collect();
        Some(format!("{count} validation error{} detected: {}", if count == 1 { "" } else { "s" }, parts.join("; ")))
    }
}

fn is_at_or_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_service() {
        let mut violations = Violations::new();
        violations.missing("partitionKey");
        violations.add("partitionKey", "", "Member must have length greater than or equal to 1");
        violations.prefix(0, "records.1.member");
        violations.add("streamName", "a b", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
        assert_eq!(
            violations.message().expect("two violations"),
            "2 validation errors detected: Value null at 'records.1.member.partitionKey' failed to satisfy \
             constraint: Member must not be null; Value 'a b' at 'streamName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        );
    }

    #[test]
    fn a_missing_member_is_noted_once() {
        let mut violations = Violations::new();
        violations.missing("name");
        violations.prefix(0, "records.1.member");
        violations.missing("position");
        for (path, segment) in [("name", "records.1.member"), ("type", "position"), ("name", "records.2.member")] {
            let mark = violations.mark();
            violations.add(path, "", "Member must have length greater than or equal to 1");
            violations.prefix(mark, segment);
        }
        assert_eq!(
            violations.message().expect("three violations"),
            "3 validation errors detected: Value null at 'records.1.member.name' failed to satisfy constraint: Member \
             must not be null; Value null at 'position' failed to satisfy constraint: Member must not be null; Value \
             '' at 'records.2.member.name' failed to satisfy constraint: Member must have length greater than or equal \
             to 1"
        );
    }

    #[test]
    fn at_most_ten_are_listed() {
        let mut violations = Violations::new();
        for i in 0..12 {
            violations.missing(&format!("m{i}"));
        }
        assert!(violations.message().expect("violations").starts_with("10 validation errors detected: "));
    }
}
