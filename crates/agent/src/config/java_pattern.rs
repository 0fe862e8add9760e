//! Patterns as Java writes them.
//!
//! What is written the same is nearly always meant the same; what cannot be done here is refused, never read as
//! something else. Classes such as `\w` and `\d` take all of Unicode, where Java's take ASCII.

use regex::{Captures, Regex, RegexBuilder};

/// Memory of one compiled pattern.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// How much of a text a pattern must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The beginning, as Java's `lookingAt`.
    Start,
    /// All of it, as Java's `matches`.
    Whole,
    /// Any part, as Java's `find`.
    Anywhere,
}

#[derive(Debug, Clone)]
pub struct JavaPattern(Regex);

impl JavaPattern {
    /// # Errors
    /// What the pattern needs and is not to be had.
    pub fn new(pattern: &str, reach: Reach) -> Result<Self, String> {
        if is_possessive(pattern) {
            return Err(format!("possessive quantifiers are not supported: {pattern}"));
        }
        // Alone first: wrapping must not make sense of what has none.
        compile(pattern)?;
        let wrapped = match reach {
            Reach::Start => format!(r"\A(?:{pattern})"),
            Reach::Whole => format!(r"\A(?:{pattern})\z"),
            Reach::Anywhere => return Ok(Self(compile(pattern)?)),
        };
        Ok(Self(compile(&wrapped)?))
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.0.captures(text)
    }

    /// Groups, without the whole.
    pub fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }

    pub fn split<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.0.split(text)
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(COMPILED_BYTES_MAX).build().map_err(|error| {
        let text = error.to_string();
        // The last line has the reason, those before it draw the pattern.
        let reason = text.lines().last().unwrap_or_default();
        reason.trim_start_matches("error: ").to_owned()
    })
}

/// A quantifier followed by `+`, which the regex library would take for a quantifier of a quantifier.
fn is_possessive(pattern: &str) -> bool {
    let mut depth_of_classes = 0usize;
    let mut after_quantifier = false;
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                characters.next();
                after_quantifier = false;
            }
            '[' => {
                depth_of_classes += 1;
                after_quantifier = false;
            }
            ']' => {
                depth_of_classes = depth_of_classes.saturating_sub(1);
                after_quantifier = false;
            }
            _ if depth_of_classes > 0 => {}
            '+' if after_quantifier => return true,
            '*' | '+' | '?' | '}' => after_quantifier = !(after_quantifier && c == '?'),
            _ => after_quantifier = false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reach_is_that_of_java() {
        let new = |reach| JavaPattern::new(r"\d+|b", reach).expect("valid");
        for (text, start, whole, anywhere) in
            [("12", true, true, true), ("b1", true, false, true), ("a1", false, false, true)]
        {
            assert_eq!(new(Reach::Start).is_match(text), start, "{text}");
            assert_eq!(new(Reach::Whole).is_match(text), whole, "{text}");
            assert_eq!(new(Reach::Anywhere).is_match(text), anywhere, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for pattern in
            ["(?<=a)b", "(?!a)b", r"(a)\1", "a++", "a*+b", "a{2}+", "(?>a)", "a)(?:b", "[a", r"\Qa\E", "a{1000}{1000}"]
        {
            assert!(JavaPattern::new(pattern, Reach::Whole).is_err(), "{pattern}");
        }
        for pattern in [r"\++", "[*+]+", "a+?", r"^\[\d{4}-\d{2}", r"a\?+", "[a[b]]"] {
            assert!(JavaPattern::new(pattern, Reach::Whole).is_ok(), "{pattern}");
        }
    }
}
