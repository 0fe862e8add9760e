//! Finds functions and test modules in masked source by counting braces.

use std::ops::Range;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub name: String,
    /// Line of `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub length: usize,
}

/// Every function with a body, nested ones too.
pub(super) fn functions(masked: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in masked.match_indices("fn ") {
        if at > 0 && is_word(masked.as_bytes()[at - 1]) {
            continue;
        }
        let rest = &masked[at + 3..];
        let name: String = rest.chars().take_while(|c| *c == '_' || c.is_alphanumeric()).collect();
        if name.is_empty() {
            continue;
        }
        if let Some(body) = body_of(masked, at) {
            let line = line_of(masked, at);
            found.push(Function { name, line, length: line_of(masked, body.end - 1) - line + 1 });
        }
    }
    found
}

/// Bytes that belong to items under `#[cfg(test)]`.
pub(super) fn test_code(masked: &str) -> Vec<Range<usize>> {
    masked.match_indices("#[cfg(test)]").filter_map(|(at, _)| body_of(masked, at).map(|body| at..body.end)).collect()
}

/// From 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The braces of the item that begins at `at`; `None` when it ends with a semicolon.
fn body_of(masked: &str, at: usize) -> Option<Range<usize>> {
    let bytes = masked.as_bytes();
    let (mut depth, mut nested, mut open) = (0usize, 0usize, None);
    for (i, byte) in bytes.iter().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => nested += 1,
            b')' | b']' => nested = nested.saturating_sub(1),
            b';' if depth == 0 && nested == 0 => return None,
            b'{' => {
                open.get_or_insert(i);
                depth += 1;
            }
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return open.map(|open| open..i + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_measured_and_declarations_are_not() {
        let source =
            "trait T {\n    fn a(&self, x: [u8; 2]);\n}\nfn b<const N: usize>() -> [u8; 2] {\n    if x {\n    }\n}\n";
        assert_eq!(functions(source), [Function { name: "b".to_owned(), line: 4, length: 4 }]);
    }

    #[test]
    fn test_modules_are_told_from_product_code() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nmod other;\nfn c() {}\n";
        let ranges = test_code(source);
        assert_eq!(ranges.len(), 1);
        assert!(source[ranges[0].clone()].ends_with("fn b() {}\n}"));
    }
}
