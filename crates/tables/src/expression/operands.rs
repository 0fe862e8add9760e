//! Paths, values and calls of functions: what conditions and updates have in common.

use super::Fault;
use super::cursor::Cursor;
use super::lexer::TokenKind;
use crate::path::{Path, Step};

/// An operand before its place says what it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term<V> {
    Path(Path),
    Value(crate::value::Value),
    Call(V),
}

/// `name(`: the call of a function.
pub fn is_call(cursor: &Cursor<'_, '_>) -> bool {
    let behind = cursor.peek_behind();
    cursor.peek().kind == TokenKind::Word && behind.kind == TokenKind::Sign && behind.text == "("
}

/// A path, a value, a call (which `call` parses), or one of them in parentheses.
pub fn term<V>(
    cursor: &mut Cursor<'_, '_>,
    is_keyword: fn(&str) -> bool,
    call: fn(&mut Cursor<'_, '_>) -> Result<V, Fault>,
) -> Result<Term<V>, Fault> {
    if cursor.take("(") {
        let twice = cursor.peek().kind == TokenKind::Sign && cursor.peek().text == "(";
        let inner = cursor.nested(|cursor| term(cursor, is_keyword, call))?;
        cursor.expect(")")?;
        return if twice { Err(Fault::Parentheses) } else { Ok(inner) };
    }
    if cursor.peek().kind == TokenKind::ValuePlaceholder {
        let key = cursor.next().text;
        return cursor.placeholders.value(key).map(Term::Value);
    }
    if is_call(cursor) && !is_keyword(cursor.peek().text) {
        return cursor.nested(call).map(Term::Call);
    }
    path(cursor, is_keyword).map(Term::Path)
}

/// `name`, `#name`, and steps into it: `.name`, `[0]`.
pub fn path(cursor: &mut Cursor<'_, '_>, is_keyword: fn(&str) -> bool) -> Result<Path, Fault> {
    let mut path = Path::attribute(name(cursor, is_keyword)?);
    loop {
        if cursor.take(".") {
            let step = Step::Field(name(cursor, is_keyword)?);
            path.steps.push(step);
        } else if cursor.take("[") {
            if cursor.peek().kind != TokenKind::Digits {
                return Err(cursor.unexpected());
            }
            // No list is as long as an index that does not fit.
            let index = cursor.next().text.parse().unwrap_or(usize::MAX);
            cursor.expect("]")?;
            path.steps.push(Step::Element(index));
        } else {
            return Ok(path);
        }
    }
}

fn name(cursor: &mut Cursor<'_, '_>, is_keyword: fn(&str) -> bool) -> Result<base::ByteString, Fault> {
    match cursor.peek().kind {
        TokenKind::Word if !is_keyword(cursor.peek().text) => Ok(cursor.next().text.into()),
        TokenKind::NamePlaceholder => {
            let key = cursor.next().text;
            cursor.placeholders.name(key)
        }
        _ => Err(cursor.unexpected()),
    }
}
