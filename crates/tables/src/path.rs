//! Document paths, such as `a.b[2]`: what they lead to in an item, and how it is changed.

use std::fmt;

use base::ByteString;
use thiserror::Error;

use crate::value::{Attributes, Value};

/// One step from an attribute's value into it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Field(ByteString),
    Element(usize),
}

/// A path from an item to a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    pub attribute: ByteString,
    pub steps: Vec<Step>,
}

/// The path leads through what is not there, or not of the right type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("The document path provided in the update expression is invalid for update")]
pub struct NoSuchPlace;

/// What two paths of one expression may not be to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clash {
    /// One leads into, or to, what the other leads to.
    Overlap,
    /// One takes for a list what the other takes for a map.
    Conflict,
}

impl fmt::Display for Path {
    /// As messages of the service show it: `[a, b, [2]]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.attribute)?;
        for step in &self.steps {
            match step {
                Step::Field(name) => write!(f, ", {name}")?,
                Step::Element(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

impl Path {
    /// A whole attribute.
    #[must_use]
    pub fn attribute(name: ByteString) -> Self {
        Self { attribute: name, steps: Vec::new() }
    }

    #[must_use]
    pub fn get<'a>(&self, item: &'a Attributes) -> Option<&'a Value> {
        self.steps.iter().try_fold(item.get(&self.attribute)?, |value, step| match (value, step) {
            (Value::M(map), Step::Field(name)) => map.get(name),
            (Value::L(list), Step::Element(index)) => list.get(*index),
            _ => None,
        })
    }

    /// Puts a value in its place. An element beyond the end of a list is appended.
    pub fn set(&self, item: &mut Attributes, value: Value) -> Result<(), NoSuchPlace> {
        let Some((last, parents)) = self.steps.split_last() else {
            item.insert(self.attribute.clone(), value);
            return Ok(());
        };
        match (self.parent(item, parents)?, last) {
            (Value::M(map), Step::Field(name)) => drop(map.insert(name.clone(), value)),
            (Value::L(list), Step::Element(index)) => match list.get_mut(*index) {
                Some(element) => *element = value,
                None => list.push(value),
            },
            _ => return Err(NoSuchPlace),
        }
        Ok(())
    }

    /// Takes the value away, if there is one.
    pub fn remove(&self, item: &mut Attributes) -> Result<(), NoSuchPlace> {
        let Some((last, parents)) = self.steps.split_last() else {
            item.remove(&self.attribute);
            return Ok(());
        };
        match (self.parent(item, parents)?, last) {
            (Value::M(map), Step::Field(name)) => drop(map.remove(name)),
            (Value::L(list), Step::Element(index)) if *index < list.len() => drop(list.remove(*index)),
            (Value::L(_), Step::Element(_)) => {}
            _ => return Err(NoSuchPlace),
        }
        Ok(())
    }

    fn parent<'a>(&self, item: &'a mut Attributes, parents: &[Step]) -> Result<&'a mut Value, NoSuchPlace> {
        let value = item.get_mut(&self.attribute).ok_or(NoSuchPlace)?;
        parents.iter().try_fold(value, |value, step| {
            let inner = match (value, step) {
                (Value::M(map), Step::Field(name)) => map.get_mut(name),
                (Value::L(list), Step::Element(index)) => list.get_mut(*index),
                _ => None,
            };
            inner.ok_or(NoSuchPlace)
        })
    }

    /// How the paths get into each other's way, if they do.
    #[must_use]
    pub fn clash(&self, other: &Self) -> Option<Clash> {
        if self.attribute != other.attribute {
            return None;
        }
        for pair in self.steps.iter().zip(&other.steps) {
            match pair {
                (Step::Field(a), Step::Field(b)) if a == b => {}
                (Step::Element(a), Step::Element(b)) if a == b => {}
                (Step::Field(_), Step::Field(_)) | (Step::Element(_), Step::Element(_)) => return None,
                _ => return Some(Clash::Conflict),
            }
        }
        Some(Clash::Overlap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(attribute: &'static str, steps: &[&'static str]) -> Path {
        let step = |text: &&'static str| match text.parse() {
            Ok(index) => Step::Element(index),
            Err(_) => Step::Field((*text).into()),
        };
        Path { attribute: attribute.into(), steps: steps.iter().map(step).collect() }
    }

    fn item() -> Attributes {
        let list = Value::L(vec![Value::Null, Value::M([("x".into(), Value::Bool(true))].into())]);
        [("a".into(), Value::M([("b".into(), list)].into()))].into()
    }

    #[test]
    fn leads_to_values() {
        let mut item = item();
        assert_eq!(path("a", &["b", "1", "x"]).get(&item), Some(&Value::Bool(true)));
        assert_eq!(path("a", &["b", "2"]).get(&item), None);
        assert_eq!(path("a", &["0"]).get(&item), None);
        path("a", &["b", "7"]).set(&mut item, Value::Bool(false)).expect("appended");
        assert_eq!(path("a", &["b", "2"]).get(&item), Some(&Value::Bool(false)));
        path("a", &["b", "0"]).remove(&mut item).expect("removed");
        path("a", &["b", "9"]).remove(&mut item).expect("nothing there");
        assert_eq!(path("a", &["b", "0", "x"]).get(&item), Some(&Value::Bool(true)));
        assert_eq!(path("z", &["b"]).set(&mut item, Value::Null), Err(NoSuchPlace));
        assert_eq!(path("a", &["0"]).remove(&mut item), Err(NoSuchPlace));
        assert_eq!(path("a", &["b", "0", "x"]).to_string(), "[a, b, [0], x]");
    }

    #[test]
    fn clashes() {
        let clash = |a: &[&'static str], b: &[&'static str]| path("a", a).clash(&path("a", b));
        assert_eq!(clash(&[], &["b"]), Some(Clash::Overlap));
        assert_eq!(clash(&["b"], &["b"]), Some(Clash::Overlap));
        assert_eq!(clash(&["b", "0"], &["b", "1"]), None);
        assert_eq!(clash(&["b"], &["0"]), Some(Clash::Conflict));
        assert_eq!(path("a", &[]).clash(&path("b", &[])), None);
    }
}
