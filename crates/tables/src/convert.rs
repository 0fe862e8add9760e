//! Values as the API carries them, into values of the domain and back. Checked on the way in, in the service's words.

use std::collections::{BTreeMap, BTreeSet};

use api::dynamodb::AttributeValue;
use base::ByteString;
use thiserror::Error;

use crate::limits::NESTING_MAX;
use crate::number::{Number, NumberError};
use crate::value::{Attributes, Kind, Value};

/// Why a value is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ValueError {
    #[error("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")]
    Empty,
    #[error(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )]
    MoreThanOne,
    #[error("One or more parameter values were invalid: Null attribute value types must have the value of true")]
    NotNull,
    #[error("One or more parameter values were invalid: {}", empty_set(.0))]
    EmptySet(Kind),
    #[error("{0}")]
    Duplicates(String),
    #[error(transparent)]
    Number(#[from] NumberError),
    #[error("Nesting Levels have exceeded supported limits: Attributes have nested levels beyond {NESTING_MAX}")]
    TooDeep,
}

fn empty_set(kind: &Kind) -> &'static str {
    match kind {
        Kind::Ss => "An string set  may not be empty",
        Kind::Ns => "An number set  may not be empty",
        _ => "Binary sets should not be empty",
    }
}

/// Every value of an item or a key.
pub fn attributes(map: BTreeMap<ByteString, AttributeValue>) -> Result<Attributes, ValueError> {
    map.into_iter().map(|(name, value)| Ok((name, top_value(value)?))).collect()
}

/// A value that is not within another.
pub fn top_value(from: AttributeValue) -> Result<Value, ValueError> {
    let value = value(from)?;
    if value.depth() > NESTING_MAX { Err(ValueError::TooDeep) } else { Ok(value) }
}

fn value(from: AttributeValue) -> Result<Value, ValueError> {
    let AttributeValue { s, n, b, ss, ns, bs, m, l, null, bool } = from;
    let mut found = None;
    let mut put = |value| match found.replace(value) {
        None => Ok(()),
        Some(_) => Err(ValueError::MoreThanOne),
    };
    if let Some(text) = s {
        put(Value::S(text))?;
    }
    if let Some(text) = n {
        put(Value::N(text.parse()?))?;
    }
    if let Some(bytes) = b {
        put(Value::B(bytes))?;
    }
    if let Some(texts) = ss {
        put(Value::Ss(set(texts, Kind::Ss)?))?;
    }
    if let Some(texts) = ns {
        let numbers = texts.iter().map(|text| text.parse()).collect::<Result<Vec<Number>, _>>()?;
        put(Value::Ns(set(numbers, Kind::Ns)?))?;
    }
    if let Some(blobs) = bs {
        put(Value::Bs(set(blobs, Kind::Bs)?))?;
    }
    if let Some(map) = m {
        put(Value::M(
            map.into_iter().map(|(name, from)| Ok((name, value(from)?))).collect::<Result<_, ValueError>>()?,
        ))?;
    }
    if let Some(list) = l {
        put(Value::L(list.into_iter().map(value).collect::<Result<_, _>>()?))?;
    }
    if let Some(is_null) = null {
        put(if is_null { Value::Null } else { return Err(ValueError::NotNull) })?;
    }
    if let Some(bool) = bool {
        put(Value::Bool(bool))?;
    }
    found.ok_or(ValueError::Empty)
}

fn set<T: Ord + std::fmt::Debug>(elements: Vec<T>, kind: Kind) -> Result<BTreeSet<T>, ValueError> {
    if elements.is_empty() {
        return Err(ValueError::EmptySet(kind));
    }
    let count = elements.len();
    let set: BTreeSet<T> = elements.into_iter().collect();
    if set.len() == count { Ok(set) } else { Err(ValueError::Duplicates(duplicates(&set, kind))) }
}

/// Names the elements only as far as they are few.
fn duplicates<T: std::fmt::Debug>(set: &BTreeSet<T>, kind: Kind) -> String {
    const SHOWN_MAX: usize = 10;
    if kind == Kind::Ns {
        return "Input collection contains duplicates".to_owned();
    }
    let shown: Vec<String> =
        set.iter().take(SHOWN_MAX).map(|element| format!("{element:?}").trim_matches('"').to_owned()).collect();
    let list = shown.join(", ");
    let of_type = if kind == Kind::Bs { "of type BS " } else { " " };
    format!("One or more parameter values were invalid: Input collection [{list}]{of_type}contains duplicates.")
}

/// As the API carries it.
pub fn shape(value: &Value) -> AttributeValue {
    let mut to = AttributeValue::default();
    match value {
        Value::S(text) => to.s = Some(text.clone()),
        Value::N(number) => to.n = Some(number.to_string().into()),
        Value::B(bytes) => to.b = Some(bytes.clone()),
        Value::Ss(set) => to.ss = Some(set.iter().cloned().collect()),
        Value::Ns(set) => to.ns = Some(set.iter().map(|number| number.to_string().into()).collect()),
        Value::Bs(set) => to.bs = Some(set.iter().cloned().collect()),
        Value::L(list) => to.l = Some(list.iter().map(shape).collect()),
        Value::M(map) => to.m = Some(shapes(map)),
        Value::Bool(bool) => to.bool = Some(*bool),
        Value::Null => to.null = Some(true),
    }
    to
}

/// Every value of an item.
pub fn shapes(attributes: &Attributes) -> BTreeMap<ByteString, AttributeValue> {
    attributes.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
}

#[cfg(test)]
mod tests {
    use base::Bytes;

    use super::*;

    fn refused(from: AttributeValue, text: &str) {
        assert_eq!(top_value(from).expect_err("not a value").to_string(), text);
    }

    #[test]
    fn exactly_one_type() {
        refused(AttributeValue::default(), &ValueError::Empty.to_string());
        let both = AttributeValue { s: Some("a".into()), n: Some("1".into()), ..AttributeValue::default() };
        refused(both, &ValueError::MoreThanOne.to_string());
        let not_null = AttributeValue { null: Some(false), ..AttributeValue::default() };
        refused(not_null, &ValueError::NotNull.to_string());
    }

    #[test]
    fn sets_have_elements_and_no_duplicates() {
        let empty = AttributeValue { ss: Some(vec![]), ..AttributeValue::default() };
        refused(empty, "One or more parameter values were invalid: An string set  may not be empty");
        let twice = AttributeValue { ss: Some(vec!["a".into(), "a".into()]), ..AttributeValue::default() };
        refused(twice, "One or more parameter values were invalid: Input collection [a] contains duplicates.");
        let same = AttributeValue { ns: Some(vec!["1".into(), "1.0".into()]), ..AttributeValue::default() };
        refused(same, "Input collection contains duplicates");
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |levels: usize| {
            let empty = AttributeValue { l: Some(vec![]), ..AttributeValue::default() };
            (1..levels).fold(empty, |inner, _| AttributeValue { l: Some(vec![inner]), ..AttributeValue::default() })
        };
        assert!(top_value(nested(NESTING_MAX)).is_ok());
        assert_eq!(top_value(nested(NESTING_MAX + 1)), Err(ValueError::TooDeep));
    }

    #[test]
    fn round_trip() {
        let blob = Bytes::from_static(b"\x00\xff");
        for value in [
            Value::S(ByteString::new()),
            Value::N(Number::from(-12_i64)),
            Value::B(blob.clone()),
            Value::Ss(["a".into(), "b".into()].into()),
            Value::Ns([Number::from(1_i64)].into()),
            Value::Bs([blob].into()),
            Value::L(vec![Value::Null, Value::Bool(false), Value::L(vec![])]),
            Value::M([("k".into(), Value::M(Attributes::new()))].into()),
        ] {
            assert_eq!(top_value(shape(&value)), Ok(value));
        }
    }
}
