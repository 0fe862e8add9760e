//! Parts of items: what a projection expression, AttributesToGet or ReturnValues leaves of one.

use std::collections::BTreeMap;

use base::ByteString;

use crate::path::{Path, Step};
use crate::value::{Attributes, Value};

/// Paths that do not overlap, as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    attributes: BTreeMap<ByteString, Part>,
}

/// What to take of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Whole,
    Fields(BTreeMap<ByteString, Part>),
    Elements(BTreeMap<usize, Part>),
}

impl Parts {
    /// The parts that paths lead to. Of paths that clash, the first counts.
    #[must_use]
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut parts = Self::default();
        for path in paths {
            insert(parts.attributes.entry(path.attribute.clone()), &path.steps);
        }
        parts
    }

    /// Names of the attributes that are, or hold, the parts.
    pub fn names(&self) -> impl Iterator<Item = &ByteString> {
        self.attributes.keys()
    }

    /// The parts of an item. Elements of lists move together.
    #[must_use]
    pub fn of(&self, item: &Attributes) -> Attributes {
        take_fields(&self.attributes, item)
    }
}

fn insert<K: Ord>(entry: std::collections::btree_map::Entry<'_, K, Part>, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        entry.or_insert(Part::Whole);
        return;
    };
    let part = entry.or_insert_with(|| match step {
        Step::Field(_) => Part::Fields(BTreeMap::new()),
        Step::Element(_) => Part::Elements(BTreeMap::new()),
    });
    match (part, step) {
        (Part::Fields(fields), Step::Field(name)) => insert(fields.entry(name.clone()), rest),
        (Part::Elements(elements), Step::Element(index)) => insert(elements.entry(*index), rest),
        _ => {}
    }
}

fn take_fields(parts: &BTreeMap<ByteString, Part>, map: &Attributes) -> Attributes {
    parts.iter().filter_map(|(name, part)| Some((name.clone(), take(part, map.get(name)?)?))).collect()
}

/// The part of a value; `None` when there is nothing of it.
fn take(part: &Part, value: &Value) -> Option<Value> {
    match (part, value) {
        (Part::Whole, value) => Some(value.clone()),
        (Part::Fields(fields), Value::M(map)) => {
            let taken = take_fields(fields, map);
            (!taken.is_empty()).then_some(Value::M(taken))
        }
        (Part::Elements(elements), Value::L(list)) => {
            let taken: Vec<Value> = elements.iter().filter_map(|(index, part)| take(part, list.get(*index)?)).collect();
            (!taken.is_empty()).then_some(Value::L(taken))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_documents() {
        let field = |name: &'static str| Step::Field(name.into());
        let path =
            |attribute: &'static str, steps: &[Step]| Path { attribute: attribute.into(), steps: steps.to_vec() };
        let number = |n: i64| Value::N(n.into());
        let map = Value::M([("x".into(), number(1)), ("y".into(), number(2))].into());
        let item: Attributes =
            [("m".into(), map), ("l".into(), Value::L((0..5).map(number).collect())), ("z".into(), Value::Null)].into();
        let parts = Parts::new(&[
            path("m", &[field("y")]),
            path("m", &[field("none")]),
            path("l", &[Step::Element(3)]),
            path("l", &[Step::Element(1)]),
            path("l", &[Step::Element(9)]),
            path("absent", &[]),
            path("z", &[field("not a map")]),
        ]);
        let expected: Attributes = [
            ("m".into(), Value::M([("y".into(), number(2))].into())),
            ("l".into(), Value::L(vec![number(1), number(3)])),
        ]
        .into();
        assert_eq!(parts.of(&item), expected);
        assert_eq!(Parts::new(&[path("z", &[])]).of(&item), [("z".into(), Value::Null)].into());
    }
}
