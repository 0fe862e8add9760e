//! Blanks comments and literals out of Rust source, so that a scan sees code alone.
//!
//! The result has the same length in lines, and a space for every byte that was blanked.

/// `source` with comments, strings and character literals blanked.
pub(super) fn mask(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match literal_end(bytes, at) {
            Some(end) => end.min(bytes.len()),
            None => {
                out.push(bytes[at]);
                at += 1;
                continue;
            }
        };
        out.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the comment or literal that begins at `at` ends; `None` when none begins there.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let continues_word = at > 0 && is_word(bytes[at - 1]);
    match rest[0] {
        b'/' if rest.starts_with(b"//") => Some(at + find(rest, b"\n").unwrap_or(rest.len())),
        b'/' if rest.starts_with(b"/*") => Some(at + block_comment_length(rest)),
        b'"' => Some(at + quoted_length(rest)),
        b'r' | b'b' if !continues_word => raw_length(rest).map(|length| at + length),
        b'\'' if !continues_word => character_length(rest).map(|length| at + length),
        _ => None,
    }
}

fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0usize);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Length of `r"…"`, `r#"…"#`, `b"…"`, `br"…"` or `b'…'`.
fn raw_length(rest: &[u8]) -> Option<usize> {
    let mut at = usize::from(rest[0] == b'b');
    if at == 1 && rest.get(1) == Some(&b'\'') {
        return character_length(&rest[1..]).map(|length| length + 1);
    }
    if rest.get(at) != Some(&b'r') {
        return (rest.get(at) == Some(&b'"')).then(|| at + quoted_length(&rest[at..]));
    }
    at += 1;
    let hashes = rest[at..].iter().take_while(|byte| **byte == b'#').count();
    at += hashes;
    if rest.get(at) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    find(&rest[at + 1..], &close).map(|found| at + 1 + found + close.len())
}

/// Length of a character literal; `None` for a lifetime.
fn character_length(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return find(&rest[3..], b"'").map(|found| found + 4);
    }
    let text = std::str::from_utf8(&rest[1..rest.len().min(6)])
        .or_else(|error| std::str::from_utf8(&rest[1..1 + error.valid_up_to()]));
    let length = text.ok()?.chars().next()?.len_utf8();
    (rest.get(1 + length) == Some(&b'\'')).then_some(length + 2)
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_comments_vanish_and_code_stays() {
        for (source, words) in [
            ("a // fn b\nc", "a c"),
            ("a /* x /* y */ */ b", "a b"),
            (r#"f("{ \" }") {"#, "f( ) {"),
            (r##"f(r#"{ " }"#) {"##, "f( ) {"),
            ("f('{', b'\\'', '\\u{7b}') {", "f( , , ) {"),
            ("fn f<'a>(x: &'a str) {", "fn f<'a>(x: &'a str) {"),
            ("for x in 'é' {", "for x in {"),
        ] {
            let masked = mask(source);
            assert_eq!(masked.len(), source.len(), "{source}");
            assert_eq!(masked.split_whitespace().collect::<Vec<_>>().join(" "), words, "{source}");
        }
    }
}
