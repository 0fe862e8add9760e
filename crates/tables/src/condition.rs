//! Conditions on an item, whether they came as an expression or in the older form, and whether they hold.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::path::Path;
use crate::value::{Attributes, Kind, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All of them; true for none.
    And(Vec<Condition>),
    /// Any of them; false for none.
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Comparison, Operand),
    /// Both bounds count.
    Between {
        value: Operand,
        low: Operand,
        high: Operand,
    },
    In(Operand, Vec<Operand>),
    Exists(Path),
    TypeIs(Path, Kind),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    Path(Path),
    Value(Value),
    /// The length of what another operand is.
    Size(Box<Operand>),
}

impl Comparison {
    /// The same comparison with its sides exchanged.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::NotEqual => Self::NotEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    /// Values of different types, and values that are not there, are different and have no order.
    fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let both = left.zip(right);
        let order = || both.and_then(|(left, right)| left.order(right));
        match self {
            Self::Equal => both.is_some_and(|(left, right)| left == right),
            Self::NotEqual => both.is_none_or(|(left, right)| left != right),
            Self::Less => order() == Some(Ordering::Less),
            Self::LessOrEqual => order().is_some_and(Ordering::is_le),
            Self::Greater => order() == Some(Ordering::Greater),
            Self::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
        }
    }
}

impl Operand {
    fn of<'a>(&'a self, item: &'a Attributes) -> Option<Cow<'a, Value>> {
        match self {
            Self::Path(path) => path.get(item).map(Cow::Borrowed),
            Self::Value(value) => Some(Cow::Borrowed(value)),
            Self::Size(operand) => {
                let length = operand.of(item)?.length()?;
                Some(Cow::Owned(Value::N((length as u64).into())))
            }
        }
    }
}

impl Condition {
    /// Whether it is true of an item; an item that does not exist has no attributes.
    #[must_use]
    pub fn holds(&self, item: &Attributes) -> bool {
        match self {
            Self::And(all) => all.iter().all(|condition| condition.holds(item)),
            Self::Or(any) => any.iter().any(|condition| condition.holds(item)),
            Self::Not(condition) => !condition.holds(item),
            Self::Compare(left, comparison, right) => {
                comparison.holds(left.of(item).as_deref(), right.of(item).as_deref())
            }
            Self::Between { value, low, high } => {
                let value = value.of(item);
                Comparison::GreaterOrEqual.holds(value.as_deref(), low.of(item).as_deref())
                    && Comparison::LessOrEqual.holds(value.as_deref(), high.of(item).as_deref())
            }
            Self::In(value, list) => {
                let value = value.of(item);
                list.iter().any(|one| Comparison::Equal.holds(value.as_deref(), one.of(item).as_deref()))
            }
            Self::Exists(path) => path.get(item).is_some(),
            Self::TypeIs(path, kind) => path.get(item).map(Value::kind) == Some(*kind),
            Self::BeginsWith(value, prefix) => {
                value.of(item).zip(prefix.of(item)).is_some_and(|(value, prefix)| value.begins_with(&prefix))
            }
            Self::Contains(value, part) => {
                value.of(item).zip(part.of(item)).is_some_and(|(value, part)| value.contains(&part))
            }
        }
    }

    /// Paths that it looks at, in order.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.collect(&mut paths);
        paths
    }

    fn collect<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        match self {
            Self::And(list) | Self::Or(list) => list.iter().for_each(|condition| condition.collect(paths)),
            Self::Not(condition) => condition.collect(paths),
            Self::Compare(left, _, right) => paths.extend([left, right].into_iter().filter_map(Operand::path)),
            Self::Between { value, low, high } => {
                paths.extend([value, low, high].into_iter().filter_map(Operand::path));
            }
            Self::In(value, list) => {
                paths.extend(value.path());
                paths.extend(list.iter().filter_map(Operand::path));
            }
            Self::Exists(path) | Self::TypeIs(path, _) => paths.push(path),
            Self::BeginsWith(left, right) | Self::Contains(left, right) => {
                paths.extend([left, right].into_iter().filter_map(Operand::path));
            }
        }
    }
}

impl Operand {
    /// The path that it is, or whose length it is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Value(_) => None,
            Self::Size(operand) => operand.path(),
        }
    }

    /// The type, when it is known without an item.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Path(_) => None,
            Self::Value(value) => Some(value.kind()),
            Self::Size(_) => Some(Kind::N),
        }
    }
}
