//! A place among the tokens of an expression, and the steps that all its grammars share.

use super::lexer::{Token, TokenKind, tokens};
use super::{Fault, Placeholders};
use crate::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_NESTING_MAX};

pub struct Cursor<'a, 'p> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
    depth: usize,
    pub placeholders: &'p mut Placeholders,
}

impl<'a, 'p> Cursor<'a, 'p> {
    pub fn new(text: &'a str, placeholders: &'p mut Placeholders) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::Empty);
        }
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(Fault::TooLong(text.len()));
        }
        Ok(Self { text, tokens: tokens(text), at: 0, depth: 0, placeholders })
    }

    pub fn peek(&self) -> Token<'a> {
        self.tokens[self.at]
    }

    /// The token behind the next one.
    pub fn peek_behind(&self) -> Token<'a> {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    pub fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        // The end stays the end.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    /// Takes the next token if it is this sign.
    pub fn take(&mut self, sign: &str) -> bool {
        let found = self.peek().kind == TokenKind::Sign && self.peek().text == sign;
        if found {
            self.next();
        }
        found
    }

    pub fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether the next token is this word of the grammar, in letters of any size.
    pub fn is_word(&self, word: &str) -> bool {
        self.peek().kind == TokenKind::Word && self.peek().text.eq_ignore_ascii_case(word)
    }

    /// Takes the next token if it is this word.
    pub fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next();
        }
        found
    }

    pub fn end(&self) -> Result<(), Fault> {
        if self.peek().kind == TokenKind::End { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The next token cannot stand where it does.
    pub fn unexpected(&self) -> Fault {
        let token = self.peek();
        let first = self.tokens[self.at.saturating_sub(1)];
        let last = self.peek_behind();
        let near = self.text[first.start..last.end()].trim_end().to_owned();
        let token = if token.kind == TokenKind::End { "<EOF>" } else { token.text };
        Fault::Syntax { token: token.to_owned(), near }
    }

    /// A place to come back to.
    pub fn mark(&self) -> usize {
        self.at
    }

    pub fn back_to(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Parses something that may hold others of its kind.
    pub fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == EXPRESSION_NESTING_MAX {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// One or more, with commas between them.
    pub fn list<T>(&mut self, mut parse: impl FnMut(&mut Self) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let mut list = vec![parse(self)?];
        while self.take(",") {
            list.push(parse(self)?);
        }
        Ok(list)
    }
}
