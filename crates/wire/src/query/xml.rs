//! The little XML that answers are made of, laid out as AWS lays it out.

/// Writes elements one after the other, each on a line of its own.
pub(super) struct Xml<'a> {
    pub out: &'a mut Vec<u8>,
    depth: usize,
    /// The last thing written was a start tag.
    fresh: bool,
}

impl<'a> Xml<'a> {
    /// `depth` is how many elements are open around what is written.
    pub fn new(out: &'a mut Vec<u8>, depth: usize) -> Self {
        Self { out, depth, fresh: false }
    }

    pub fn start(&mut self, name: &str) {
        self.line();
        self.put(&["<", name, ">"]);
        self.depth += 1;
        self.fresh = true;
    }

    pub fn end(&mut self, name: &str) {
        self.depth -= 1;
        if self.fresh {
            // Nothing is in it.
            self.out.pop();
            self.put(&["/>"]);
        } else {
            self.line();
            self.put(&["</", name, ">"]);
        }
        self.fresh = false;
    }

    /// An element whose content `text` writes.
    pub fn leaf(&mut self, name: &str, text: impl FnOnce(&mut Vec<u8>)) {
        self.line();
        self.put(&["<", name, ">"]);
        text(self.out);
        self.put(&["</", name, ">"]);
        self.fresh = false;
    }

    fn line(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
        self.out.resize(self.out.len() + 2 * self.depth, b' ');
    }

    fn put(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.out.extend_from_slice(part.as_bytes()));
    }
}

/// Appends a text as the content of an element or of an attribute. Characters that no XML can hold are replaced.
pub(crate) fn escape(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        let escaped = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            // Written as it is, it would be read as a line feed.
            '\r' => "&#xD;",
            '\n' | '\t' => {
                out.push(character as u8);
                continue;
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
        };
        out.extend_from_slice(escaped.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout() {
        let mut out = Vec::new();
        let mut xml = Xml::new(&mut out, 0);
        xml.start("A");
        xml.leaf("B", |out| escape(out, "b"));
        xml.start("C");
        xml.end("C");
        xml.start("D");
        xml.leaf("E", |_| {});
        xml.end("D");
        xml.end("A");
        assert_eq!(String::from_utf8_lossy(&out), "<A>\n  <B>b</B>\n  <C/>\n  <D>\n    <E></E>\n  </D>\n</A>");
    }

    #[test]
    fn escapes() {
        let mut out = Vec::new();
        escape(&mut out, "<a b=\"c\">&amp;\r\n\t\u{0}\u{1b}\u{7f}\u{ffff}é\u{1f600}'");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "&lt;a b=&quot;c&quot;&gt;&amp;amp;&#xD;\n\t\u{fffd}\u{fffd}\u{7f}\u{fffd}é\u{1f600}'"
        );
    }
}
