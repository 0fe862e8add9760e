//! The grammar of updates.
//!
//! ```text
//! update  = (SET set,… | REMOVE path,… | ADD path :value,… | DELETE path :value,…)+, each section once
//! set     = path "=" sum
//! sum     = operand (("+" | "-") operand)?
//! operand = path | :value | if_not_exists(path, operand) | list_append(operand, operand) | "(" sum ")"
//! ```

use super::Fault;
use super::cursor::Cursor;
use super::lexer::TokenKind;
use super::operands::{self, Term};
use crate::path::{Clash, Path};
use crate::update::{Action, Source, Update};
use crate::value::{Kind, Value};

const KEYWORDS: [&str; 4] = ["SET", "REMOVE", "ADD", "DELETE"];

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

pub fn update(cursor: &mut Cursor<'_, '_>) -> Result<Update, Fault> {
    let mut actions = Vec::new();
    let mut seen = Vec::new();
    loop {
        let Some(section) = KEYWORDS.into_iter().find(|word| cursor.take_word(word)) else {
            return Err(cursor.unexpected());
        };
        if seen.contains(&section) {
            return Err(Fault::SectionTwice(section));
        }
        seen.push(section);
        actions.extend(cursor.list(match section {
            "SET" => set,
            "REMOVE" => |cursor: &mut Cursor<'_, '_>| path(cursor).map(Action::Remove),
            "ADD" => add,
            _ => delete,
        })?);
        if cursor.peek().kind == TokenKind::End {
            break;
        }
    }
    check_clashes(actions.iter().map(Action::path))?;
    Ok(Update { actions, is_legacy: false })
}

/// No path of an expression may lead to what another leads to.
pub fn check_clashes<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<(), Fault> {
    let mut seen: Vec<&Path> = Vec::new();
    for path in paths {
        for other in &seen {
            match other.clash(path) {
                None => {}
                Some(Clash::Overlap) => return Err(Fault::Overlap(other.to_string(), path.to_string())),
                Some(Clash::Conflict) => return Err(Fault::Conflict(other.to_string(), path.to_string())),
            }
        }
        seen.push(path);
    }
    Ok(())
}

fn path(cursor: &mut Cursor<'_, '_>) -> Result<Path, Fault> {
    operands::path(cursor, is_keyword)
}

fn set(cursor: &mut Cursor<'_, '_>) -> Result<Action, Fault> {
    let path = path(cursor)?;
    cursor.expect("=")?;
    Ok(Action::Set(path, sum(cursor)?))
}

fn add(cursor: &mut Cursor<'_, '_>) -> Result<Action, Fault> {
    let (path, value) = (path(cursor)?, value(cursor)?);
    match value.kind() {
        Kind::N | Kind::Ss | Kind::Ns | Kind::Bs => Ok(Action::Add(path, value)),
        kind => Err(Fault::ActionType { operator: "ADD", kind: kind.long_name() }),
    }
}

fn delete(cursor: &mut Cursor<'_, '_>) -> Result<Action, Fault> {
    let (path, value) = (path(cursor)?, value(cursor)?);
    match value.kind() {
        kind if kind.is_set() => Ok(Action::Delete(path, value)),
        kind => Err(Fault::ActionType { operator: "DELETE", kind: kind.long_name() }),
    }
}

fn value(cursor: &mut Cursor<'_, '_>) -> Result<Value, Fault> {
    if cursor.peek().kind != TokenKind::ValuePlaceholder {
        return Err(cursor.unexpected());
    }
    let key = cursor.next().text;
    cursor.placeholders.value(key)
}

fn sum(cursor: &mut Cursor<'_, '_>) -> Result<Source, Fault> {
    let left = operand(cursor)?;
    for (sign, make) in [("+", Source::Plus as fn(_, _) -> _), ("-", Source::Minus)] {
        if cursor.take(sign) {
            let right = operand(cursor)?;
            for side in [&left, &right] {
                check_type(if sign == "+" { "+" } else { "-" }, side, Kind::N)?;
            }
            return Ok(make(Box::new(left), Box::new(right)));
        }
    }
    Ok(left)
}

fn operand(cursor: &mut Cursor<'_, '_>) -> Result<Source, Fault> {
    // A sum in parentheses is one operand.
    if cursor.take("(") {
        let inner = cursor.nested(sum)?;
        cursor.expect(")")?;
        return Ok(inner);
    }
    Ok(match operands::term(cursor, is_keyword, call)? {
        Term::Path(path) => Source::Path(path),
        Term::Value(value) => Source::Value(value),
        Term::Call(source) => source,
    })
}

fn call(cursor: &mut Cursor<'_, '_>) -> Result<Source, Fault> {
    let name = cursor.next().text;
    cursor.expect("(")?;
    let operands = cursor.list(operand)?;
    cursor.expect(")")?;
    match name {
        "if_not_exists" => {
            let [first, otherwise] = exactly("if_not_exists", operands)?;
            let Source::Path(path) = first else { return Err(Fault::NotAPath("if_not_exists")) };
            Ok(Source::IfNotExists(path, Box::new(otherwise)))
        }
        "list_append" => {
            let [first, second] = exactly("list_append", operands)?;
            for side in [&first, &second] {
                check_type("list_append", side, Kind::L)?;
            }
            Ok(Source::ListAppend(Box::new(first), Box::new(second)))
        }
        _ => Err(Fault::UnknownFunction(name.to_owned())),
    }
}

fn exactly<const N: usize>(operator: &'static str, operands: Vec<Source>) -> Result<[Source; N], Fault> {
    operands.try_into().map_err(|list: Vec<Source>| Fault::OperandCount { operator, count: list.len() })
}

fn check_type(operator: &'static str, source: &Source, wanted: Kind) -> Result<(), Fault> {
    match source.kind() {
        Some(kind) if kind != wanted => Err(Fault::OperandType { operator, kind: kind.as_str() }),
        _ => Ok(()),
    }
}
