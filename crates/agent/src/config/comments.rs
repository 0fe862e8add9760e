//! JSON as the Kinesis Agent reads it: with `//` and `/* */` comments.

/// Blanks comments out, so that places in error messages stay those of the file.
pub fn blank_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_text = false;
    while let Some(c) = rest.next() {
        match (in_text, c, rest.peek()) {
            (true, '\\', _) => {
                out.push(c);
                out.extend(rest.next());
            }
            (_, '"', _) => {
                in_text = !in_text;
                out.push(c);
            }
            (false, '/', Some('/')) => {
                out.push(' ');
                while let Some(c) = rest.next_if(|c| *c != '\n') {
                    out.push(blank(c));
                }
            }
            (false, '/', Some('*')) => {
                out.push_str("  ");
                rest.next();
                let mut last = ' ';
                for c in rest.by_ref() {
                    out.push(blank(c));
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            _ => out.push(c),
        }
    }
    out
}

fn blank(c: char) -> char {
    if c == '\n' { c } else { ' ' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_places_stay() {
        for (text, expected) in [
            ("{\"a\": 1} // b", "{\"a\": 1}     "),
            ("{/* b\n */\"a\": 1}", "{    \n   \"a\": 1}"),
            ("{\"a//b\": \"/* \\\" // */\"}", "{\"a//b\": \"/* \\\" // */\"}"),
            ("/**/1", "    1"),
            ("/*/1", "    "),
            ("1 / 2", "1 / 2"),
        ] {
            assert_eq!(blank_comments(text), expected, "{text}");
        }
    }
}
