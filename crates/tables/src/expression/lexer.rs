//! Cuts an expression into tokens.

/// A token and where it stands in the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    pub start: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A name, a word of the grammar, or a function's name.
    Word,
    /// `#name`.
    NamePlaceholder,
    /// `:value`.
    ValuePlaceholder,
    /// Decimal digits.
    Digits,
    /// An operator, a bracket, or a character that is none of the grammar's.
    Sign,
    /// What follows the last token.
    End,
}

impl Token<'_> {
    #[must_use]
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Operators of two characters.
const LONG_SIGNS: [&str; 3] = ["<>", "<=", ">="];

/// All tokens, the last one [`TokenKind::End`].
#[must_use]
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    loop {
        start += text[start..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        let rest = &text[start..];
        let Some(first) = rest.chars().next() else {
            tokens.push(Token { kind: TokenKind::End, text: "", start });
            return tokens;
        };
        let (kind, length) = match first {
            'a'..='z' | 'A'..='Z' | '_' => (TokenKind::Word, word(rest)),
            '0'..='9' => (TokenKind::Digits, rest.bytes().take_while(u8::is_ascii_digit).count()),
            '#' if word(&rest[1..]) > 0 => (TokenKind::NamePlaceholder, 1 + word(&rest[1..])),
            ':' if word(&rest[1..]) > 0 => (TokenKind::ValuePlaceholder, 1 + word(&rest[1..])),
            _ if LONG_SIGNS.iter().any(|sign| rest.starts_with(sign)) => (TokenKind::Sign, 2),
            other => (TokenKind::Sign, other.len_utf8()),
        };
        tokens.push(Token { kind, text: &rest[..length], start });
        start += length;
    }
}

/// Length of the letters, digits and underscores that a text begins with.
fn word(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}
