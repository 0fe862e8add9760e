//! The grammar of conditions, filters and key conditions.
//!
//! ```text
//! or      = and ("OR" and)*
//! and     = not ("AND" not)*
//! not     = "NOT" not | "(" or ")" | test
//! test    = operand (comparison operand | "BETWEEN" operand "AND" operand | "IN" "(" operands ")") | function
//! operand = path | :value | size(operand) | "(" operand ")"
//! ```

use super::Fault;
use super::cursor::Cursor;
use super::lexer::TokenKind;
use super::operands::{self, Term};
use crate::condition::{Comparison, Condition, Operand};
use crate::limits::IN_OPERANDS_MAX;
use crate::path::Path;
use crate::value::{Kind, Value};

const KEYWORDS: [&str; 5] = ["AND", "OR", "NOT", "BETWEEN", "IN"];

const COMPARISONS: [(&str, Comparison); 6] = [
    ("=", Comparison::Equal),
    ("<>", Comparison::NotEqual),
    ("<", Comparison::Less),
    ("<=", Comparison::LessOrEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterOrEqual),
];

/// A function's call: a condition of its own, or a length to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Condition(&'static str, Condition),
    Size(Operand),
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

pub fn condition(cursor: &mut Cursor<'_, '_>) -> Result<Condition, Fault> {
    let mut any = vec![conjunction(cursor)?];
    while cursor.take_word("OR") {
        any.push(conjunction(cursor)?);
    }
    Ok(if any.len() == 1 { any.swap_remove(0) } else { Condition::Or(any) })
}

fn conjunction(cursor: &mut Cursor<'_, '_>) -> Result<Condition, Fault> {
    let mut all = vec![negation(cursor)?];
    while cursor.take_word("AND") {
        all.push(negation(cursor)?);
    }
    Ok(if all.len() == 1 { all.swap_remove(0) } else { Condition::And(all) })
}

fn negation(cursor: &mut Cursor<'_, '_>) -> Result<Condition, Fault> {
    if cursor.take_word("NOT") {
        return cursor.nested(negation).map(|condition| Condition::Not(Box::new(condition)));
    }
    let mark = cursor.mark();
    if !cursor.take("(") {
        return test(cursor);
    }
    match cursor.nested(group) {
        Ok(condition) if !continues(cursor) => Ok(condition),
        Ok(_) | Err(Fault::Syntax { .. }) => {
            // The parenthesis was that of an operand.
            cursor.back_to(mark);
            test(cursor)
        }
        Err(fault) => Err(fault),
    }
}

/// What follows an opening parenthesis.
fn group(cursor: &mut Cursor<'_, '_>) -> Result<Condition, Fault> {
    let opens = cursor.peek().kind == TokenKind::Sign && cursor.peek().text == "(";
    let inner_end = if opens { closing(cursor) } else { None };
    let condition = condition(cursor)?;
    let end = cursor.mark();
    cursor.expect(")")?;
    if inner_end.is_some_and(|inner| inner + 1 == end) {
        return Err(Fault::Parentheses);
    }
    Ok(condition)
}

/// The place of the parenthesis that closes the one that comes next.
fn closing(cursor: &mut Cursor<'_, '_>) -> Option<usize> {
    let mark = cursor.mark();
    let mut depth = 0;
    let found = loop {
        let (at, token) = (cursor.mark(), cursor.next());
        match (token.kind, token.text) {
            (TokenKind::Sign, "(") => depth += 1,
            (TokenKind::Sign, ")") => depth -= 1,
            (TokenKind::End, _) => break None,
            _ => {}
        }
        if depth == 0 {
            break Some(at);
        }
    };
    cursor.back_to(mark);
    found
}

/// Whether what was parsed is the left side of a comparison.
fn continues(cursor: &Cursor<'_, '_>) -> bool {
    comparison(cursor).is_some() || cursor.is_word("BETWEEN") || cursor.is_word("IN")
}

fn comparison(cursor: &Cursor<'_, '_>) -> Option<(&'static str, Comparison)> {
    let token = cursor.peek();
    COMPARISONS.into_iter().find(|(sign, _)| token.kind == TokenKind::Sign && token.text == *sign)
}

fn test(cursor: &mut Cursor<'_, '_>) -> Result<Condition, Fault> {
    let left = match operands::term(cursor, is_keyword, call)? {
        Term::Call(Call::Condition(_, condition)) if !continues(cursor) => return Ok(condition),
        term => operand(term)?,
    };
    if let Some((sign, comparison)) = comparison(cursor) {
        cursor.next();
        let right = next_operand(cursor)?;
        distinct(sign, &left, &right)?;
        return Ok(Condition::Compare(left, comparison, right));
    }
    if cursor.take_word("BETWEEN") {
        let low = next_operand(cursor)?;
        if !cursor.take_word("AND") {
            return Err(cursor.unexpected());
        }
        let high = next_operand(cursor)?;
        check_bounds(&low, &high)?;
        return Ok(Condition::Between { value: left, low, high });
    }
    if cursor.take_word("IN") {
        cursor.expect("(")?;
        let list = cursor.list(next_operand)?;
        cursor.expect(")")?;
        if list.len() > IN_OPERANDS_MAX {
            return Err(Fault::OperandCount { operator: "IN", count: list.len() + 1 });
        }
        return Ok(Condition::In(left, list));
    }
    if matches!(left, Operand::Size(_)) && matches!(cursor.peek().kind, TokenKind::End) {
        return Err(Fault::MisusedFunction("size".to_owned()));
    }
    Err(cursor.unexpected())
}

fn next_operand(cursor: &mut Cursor<'_, '_>) -> Result<Operand, Fault> {
    operand(operands::term(cursor, is_keyword, call)?)
}

fn operand(term: Term<Call>) -> Result<Operand, Fault> {
    match term {
        Term::Path(path) => Ok(Operand::Path(path)),
        Term::Value(value) => Ok(Operand::Value(value)),
        Term::Call(Call::Size(operand)) => Ok(Operand::Size(Box::new(operand))),
        Term::Call(Call::Condition(name, _)) => Err(Fault::MisusedFunction(name.to_owned())),
    }
}

fn call(cursor: &mut Cursor<'_, '_>) -> Result<Call, Fault> {
    let name = cursor.next().text;
    cursor.expect("(")?;
    let operands = cursor.list(next_operand)?;
    cursor.expect(")")?;
    match name {
        "attribute_exists" => {
            let [operand] = exactly("attribute_exists", operands)?;
            let condition = Condition::Exists(path_of("attribute_exists", operand)?);
            Ok(Call::Condition("attribute_exists", condition))
        }
        "attribute_not_exists" => {
            let [operand] = exactly("attribute_not_exists", operands)?;
            let exists = Condition::Exists(path_of("attribute_not_exists", operand)?);
            Ok(Call::Condition("attribute_not_exists", Condition::Not(Box::new(exists))))
        }
        "attribute_type" => {
            let [operand, kind] = exactly("attribute_type", operands)?;
            let path = path_of("attribute_type", operand)?;
            Ok(Call::Condition("attribute_type", Condition::TypeIs(path, named_kind(&kind)?)))
        }
        "begins_with" => {
            let [value, prefix] = exactly("begins_with", operands)?;
            distinct("begins_with", &value, &prefix)?;
            check_types("begins_with", [&value, &prefix], &[Kind::S, Kind::B])?;
            Ok(Call::Condition("begins_with", Condition::BeginsWith(value, prefix)))
        }
        "contains" => {
            let [value, part] = exactly("contains", operands)?;
            distinct("contains", &value, &part)?;
            Ok(Call::Condition("contains", Condition::Contains(value, part)))
        }
        "size" => {
            let [operand] = exactly("size", operands)?;
            let sized = [Kind::S, Kind::B, Kind::Ss, Kind::Ns, Kind::Bs, Kind::L, Kind::M];
            check_types("size", [&operand], &sized)?;
            Ok(Call::Size(operand))
        }
        _ => Err(Fault::UnknownFunction(name.to_owned())),
    }
}

fn exactly<const N: usize>(operator: &'static str, operands: Vec<Operand>) -> Result<[Operand; N], Fault> {
    operands.try_into().map_err(|list: Vec<Operand>| Fault::OperandCount { operator, count: list.len() })
}

fn path_of(operator: &'static str, operand: Operand) -> Result<Path, Fault> {
    match operand {
        Operand::Path(path) => Ok(path),
        Operand::Value(_) | Operand::Size(_) => Err(Fault::NotAPath(operator)),
    }
}

fn named_kind(operand: &Operand) -> Result<Kind, Fault> {
    match operand {
        Operand::Value(Value::S(name)) => Kind::named(name).ok_or_else(|| Fault::UnknownType(name.to_string())),
        other => {
            let kind = other.kind().map_or("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}", Kind::as_str);
            Err(Fault::OperandType { operator: "attribute_type", kind })
        }
    }
}

fn check_types<const N: usize>(operator: &'static str, operands: [&Operand; N], allowed: &[Kind]) -> Result<(), Fault> {
    match operands.into_iter().filter_map(Operand::kind).find(|kind| !allowed.contains(kind)) {
        Some(kind) => Err(Fault::OperandType { operator, kind: kind.as_str() }),
        None => Ok(()),
    }
}

fn distinct(operator: &'static str, left: &Operand, right: &Operand) -> Result<(), Fault> {
    match (left, right) {
        (Operand::Path(a), Operand::Path(b)) if a == b => Err(Fault::SameOperands { operator, operand: a.to_string() }),
        _ => Ok(()),
    }
}

fn check_bounds(low: &Operand, high: &Operand) -> Result<(), Fault> {
    let (Operand::Value(low), Operand::Value(high)) = (low, high) else { return Ok(()) };
    let texts = || (shown(low), shown(high));
    if low.kind() != high.kind() {
        let (low, high) = texts();
        return Err(Fault::BoundTypes { low, high });
    }
    if low.order(high).is_some_and(std::cmp::Ordering::is_gt) {
        let (low, high) = texts();
        return Err(Fault::Bounds { low, high });
    }
    Ok(())
}

/// A bound as messages show it, no longer than a line.
fn shown(value: &Value) -> String {
    const CHARACTERS_MAX: usize = 80;
    let text = match value {
        Value::S(text) => text.chars().take(CHARACTERS_MAX).collect(),
        Value::N(number) => number.to_string(),
        _ => "...".to_owned(),
    };
    format!("{}:{text}", value.kind().as_str())
}
