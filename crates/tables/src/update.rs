//! Changes of an item, whether they came as an expression or in the older form.

use std::borrow::Cow;
use std::collections::BTreeSet;

use thiserror::Error;

use crate::limits::{ITEM_BYTES_MAX, NESTING_MAX};
use crate::number::NumberError;
use crate::path::{NoSuchPlace, Path};
use crate::value::{Attributes, Kind, Value};

/// What UpdateItem does to an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    pub actions: Vec<Action>,
    /// AttributeUpdates: they take nothing from an item that does not exist, and have texts of their own.
    pub is_legacy: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Set(Path, Source),
    Remove(Path),
    /// Adds a number, or elements of a set.
    Add(Path, Value),
    /// Takes elements away from a set.
    Delete(Path, Value),
}

/// Where the new value of a SET comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Path(Path),
    Value(Value),
    Plus(Box<Source>, Box<Source>),
    Minus(Box<Source>, Box<Source>),
    IfNotExists(Path, Box<Source>),
    ListAppend(Box<Source>, Box<Source>),
}

/// Why an item cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpdateError {
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    Absent,
    #[error("An operand in the update expression has an incorrect data type")]
    OperandType,
    #[error("Type mismatch for attribute to update")]
    LegacyType,
    #[error(transparent)]
    Path(#[from] NoSuchPlace),
    #[error(transparent)]
    Number(#[from] NumberError),
    #[error("Nesting Levels have exceeded supported limits: Attributes have nested levels beyond {NESTING_MAX}")]
    TooDeep,
    #[error("Item size to update has exceeded the maximum allowed size")]
    TooLarge,
}

impl Action {
    /// What it changes.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Set(path, _) | Self::Remove(path) | Self::Add(path, _) | Self::Delete(path, _) => path,
        }
    }
}

impl Update {
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.actions.iter().map(Action::path)
    }

    /// Whether an item that does not exist stays so.
    #[must_use]
    pub fn only_takes_away(&self) -> bool {
        let takes = |action: &Action| matches!(action, Action::Remove(_) | Action::Delete(..));
        self.is_legacy && !self.actions.is_empty() && self.actions.iter().all(takes)
    }

    /// Changes the item. Every operand is what it was before.
    pub fn apply(&self, item: &mut Attributes) -> Result<(), UpdateError> {
        let mut values = Vec::new();
        let mut removals = Vec::new();
        let mut bytes = 0;
        for action in &self.actions {
            let path = action.path();
            let Some(value) = self.result(action, item)? else {
                removals.push(path);
                continue;
            };
            // Values are kept until all are known: before they fill the memory, they are too large for an item.
            bytes += value.size();
            if bytes > ITEM_BYTES_MAX {
                return Err(UpdateError::TooLarge);
            }
            if path.steps.len() + value.depth() > NESTING_MAX {
                return Err(UpdateError::TooDeep);
            }
            values.push((path, value));
        }
        // Elements beyond the end of a list are appended in the order of their indexes.
        values.sort_by_key(|(path, _)| *path);
        values.into_iter().try_for_each(|(path, value)| path.set(item, value))?;
        // From the back, so that indexes keep their meaning.
        removals.sort();
        removals.into_iter().rev().try_for_each(|path| path.remove(item))?;
        Ok(())
    }

    /// The new value of what an action changes; `None` when there is none any more.
    fn result(&self, action: &Action, item: &Attributes) -> Result<Option<Value>, UpdateError> {
        match action {
            Action::Set(_, source) => Ok(Some(source.of(item)?.into_owned())),
            Action::Add(path, value) => self.sum(path.get(item), value).map(Some),
            Action::Delete(path, value) => match path.get(item) {
                None => Ok(None),
                Some(found) => difference(found, value).ok_or_else(|| self.type_error()),
            },
            Action::Remove(_) => Ok(None),
        }
    }

    fn type_error(&self) -> UpdateError {
        if self.is_legacy { UpdateError::LegacyType } else { UpdateError::OperandType }
    }

    fn sum(&self, found: Option<&Value>, value: &Value) -> Result<Value, UpdateError> {
        Ok(match (found, value) {
            (None, value) => value.clone(),
            (Some(Value::N(a)), Value::N(b)) => Value::N(a.plus(*b)?),
            (Some(Value::Ss(a)), Value::Ss(b)) => Value::Ss(a | b),
            (Some(Value::Ns(a)), Value::Ns(b)) => Value::Ns(a | b),
            (Some(Value::Bs(a)), Value::Bs(b)) => Value::Bs(a | b),
            (Some(Value::L(a)), Value::L(b)) => joined(a, b)?,
            (Some(_), _) => return Err(self.type_error()),
        })
    }
}

fn joined(a: &[Value], b: &[Value]) -> Result<Value, UpdateError> {
    let list = Value::L([a, b].concat());
    if list.size() > ITEM_BYTES_MAX { Err(UpdateError::TooLarge) } else { Ok(list) }
}

/// What is left of a set; `Some(None)` when nothing is, `None` when the values are not sets of one type.
#[expect(clippy::option_option, reason = "the outer option is the failure")]
fn difference(found: &Value, taken: &Value) -> Option<Option<Value>> {
    fn less<T: Ord + Clone>(a: &BTreeSet<T>, b: &BTreeSet<T>, whole: fn(BTreeSet<T>) -> Value) -> Option<Value> {
        let rest = a - b;
        (!rest.is_empty()).then(|| whole(rest))
    }
    match (found, taken) {
        (Value::Ss(a), Value::Ss(b)) => Some(less(a, b, Value::Ss)),
        (Value::Ns(a), Value::Ns(b)) => Some(less(a, b, Value::Ns)),
        (Value::Bs(a), Value::Bs(b)) => Some(less(a, b, Value::Bs)),
        _ => None,
    }
}

impl Source {
    fn of<'a>(&'a self, item: &'a Attributes) -> Result<Cow<'a, Value>, UpdateError> {
        match self {
            Self::Path(path) => path.get(item).map(Cow::Borrowed).ok_or(UpdateError::Absent),
            Self::Value(value) => Ok(Cow::Borrowed(value)),
            Self::IfNotExists(path, otherwise) => match path.get(item) {
                Some(value) => Ok(Cow::Borrowed(value)),
                None => otherwise.of(item),
            },
            Self::Plus(a, b) | Self::Minus(a, b) => {
                let (Value::N(a), Value::N(b)) = (&*a.of(item)?, &*b.of(item)?) else {
                    return Err(UpdateError::OperandType);
                };
                let result = if matches!(self, Self::Plus(..)) { a.plus(*b) } else { a.minus(*b) };
                Ok(Cow::Owned(Value::N(result?)))
            }
            Self::ListAppend(a, b) => {
                let (Value::L(a), Value::L(b)) = (&*a.of(item)?, &*b.of(item)?) else {
                    return Err(UpdateError::OperandType);
                };
                joined(a, b).map(Cow::Owned)
            }
        }
    }

    /// The type, when it is known without an item.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Path(_) | Self::IfNotExists(..) => None,
            Self::Value(value) => Some(value.kind()),
            Self::Plus(..) | Self::Minus(..) => Some(Kind::N),
            Self::ListAppend(..) => Some(Kind::L),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Step;

    fn number(n: i64) -> Value {
        Value::N(n.into())
    }

    fn path(attribute: &'static str) -> Path {
        Path::attribute(attribute.into())
    }

    fn value_of(attribute: &'static str) -> Source {
        Source::Path(path(attribute))
    }

    fn element(attribute: &'static str, index: usize) -> Path {
        Path { attribute: attribute.into(), steps: vec![Step::Element(index)] }
    }

    fn applied(actions: Vec<Action>, mut item: Attributes) -> Result<Attributes, UpdateError> {
        Update { actions, is_legacy: false }.apply(&mut item)?;
        Ok(item)
    }

    #[test]
    fn operands_are_what_they_were_before() {
        let item: Attributes = [("a".into(), number(1)), ("b".into(), number(2))].into();
        let actions = vec![Action::Set(path("a"), value_of("b")), Action::Set(path("b"), value_of("a"))];
        assert_eq!(applied(actions, item), Ok([("a".into(), number(2)), ("b".into(), number(1))].into()));
    }

    #[test]
    fn elements_are_set_and_removed_by_their_old_indexes() {
        let item: Attributes = [("l".into(), Value::L((0..4).map(number).collect()))].into();
        let actions = vec![
            Action::Remove(element("l", 0)),
            Action::Set(element("l", 9), Source::Value(number(109))),
            Action::Set(element("l", 8), Source::Value(number(108))),
            Action::Remove(element("l", 2)),
            Action::Set(element("l", 1), Source::Value(number(101))),
        ];
        let expected = Value::L([101, 3, 108, 109].map(number).into());
        assert_eq!(applied(actions, item), Ok([("l".into(), expected)].into()));
    }

    #[test]
    fn sets_and_numbers() {
        let set = |texts: &[&'static str]| Value::Ss(texts.iter().map(|text| (*text).into()).collect());
        let item: Attributes =
            [("s".into(), set(&["a", "b"])), ("t".into(), set(&["a"])), ("n".into(), number(1))].into();
        let actions = vec![
            Action::Add(path("s"), set(&["b", "c"])),
            Action::Delete(path("t"), set(&["a", "z"])),
            Action::Add(path("n"), number(-3)),
            Action::Add(path("new"), number(5)),
            Action::Delete(path("absent"), set(&["a"])),
        ];
        let expected: Attributes =
            [("s".into(), set(&["a", "b", "c"])), ("n".into(), number(-2)), ("new".into(), number(5))].into();
        assert_eq!(applied(actions, item.clone()), Ok(expected));
        assert_eq!(applied(vec![Action::Add(path("s"), number(1))], item.clone()), Err(UpdateError::OperandType));
        assert_eq!(applied(vec![Action::Delete(path("n"), set(&["a"]))], item.clone()), Err(UpdateError::OperandType));
        let absent = Action::Set(path("x"), value_of("y"));
        assert_eq!(applied(vec![absent], item.clone()), Err(UpdateError::Absent));
        let text = Source::Plus(Box::new(value_of("s")), Box::new(Source::Value(number(1))));
        assert_eq!(applied(vec![Action::Set(path("x"), text)], item), Err(UpdateError::OperandType));
    }
}
