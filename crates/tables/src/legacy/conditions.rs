//! Expected, ScanFilter, QueryFilter and KeyConditions: comparisons by attribute, all or any of which must hold.

use std::collections::BTreeMap;

use api::dynamodb::{
    AttributeValue, ComparisonOperator, Condition as Shape, ConditionalOperator, ExpectedAttributeValue,
};
use base::ByteString;
use thiserror::Error;

use crate::condition::{Comparison, Condition, Operand};
use crate::convert::{self, ValueError};
use crate::key_condition::{KeyConditionError, KeyTest, KeyTests};
use crate::path::Path;
use crate::value::{Kind, Value};

/// Why comparisons cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConditionError {
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Key(#[from] KeyConditionError),
    #[error(
        "One or more parameter values were invalid: Value and AttributeValueList cannot be used together for Attribute: \
         {0}"
    )]
    ValueAndList(ByteString),
    #[error(
        "One or more parameter values were invalid: Exists and ComparisonOperator cannot be used together for \
         Attribute: {0}"
    )]
    ExistsAndOperator(ByteString),
    #[error(
        "One or more parameter values were invalid: Value or AttributeValueList must be used with ComparisonOperator: \
         {operator} for Attribute: {name}"
    )]
    NoValue { operator: &'static str, name: ByteString },
    #[error(
        "One or more parameter values were invalid: AttributeValueList can only be used with a ComparisonOperator for \
         Attribute: {0}"
    )]
    ListAlone(ByteString),
    #[error(
        "One or more parameter values were invalid: Value must be provided when Exists is {exists} for Attribute: {name}"
    )]
    ValueMissing { exists: &'static str, name: ByteString },
    #[error("One or more parameter values were invalid: Value cannot be used when Exists is false for Attribute: {0}")]
    ValueUnwanted(ByteString),
    #[error("One or more parameter values were invalid: Invalid number of argument(s) for the {0} ComparisonOperator")]
    Count(&'static str),
    #[error(
        "One or more parameter values were invalid: AttributeValues inside AttributeValueList must be of same type"
    )]
    MixedTypes,
    #[error(
        "One or more parameter values were invalid: ComparisonOperator {operator} is not valid for {kind} \
         AttributeValue type"
    )]
    Type { operator: &'static str, kind: &'static str },
    #[error("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")]
    Bounds,
    #[error("One or more parameter values were invalid: ConditionalOperator cannot be used without Filter or Expected")]
    OperatorAlone,
    #[error(
        "One or more parameter values were invalid: ConditionalOperator can only be used when Filter or Expected has \
         two or more elements"
    )]
    OperatorOfOne,
}

/// One attribute compared with values.
struct Test {
    operator: Operator,
    values: Vec<Value>,
}

/// As the API has it, but known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Compare(Comparison),
    In,
    Between,
    NotNull,
    Null,
    Contains,
    NotContains,
    BeginsWith,
}

/// The condition that Expected stands for; `None` without.
pub fn expected(
    expected: Option<BTreeMap<ByteString, ExpectedAttributeValue>>,
    operator: Option<&ConditionalOperator>,
) -> Result<Option<Condition>, ConditionError> {
    let tests = expected.unwrap_or_default().into_iter().map(|(name, expected)| {
        let condition = expectation(&name, expected)?;
        Ok(condition)
    });
    joined(tests.collect::<Result<_, ConditionError>>()?, operator)
}

/// The condition that a filter stands for; `None` without.
pub fn filter(
    filter: Option<BTreeMap<ByteString, Shape>>,
    operator: Option<&ConditionalOperator>,
) -> Result<Option<Condition>, ConditionError> {
    let tests = filter.unwrap_or_default().into_iter().map(|(name, shape)| Ok(test(shape)?.on(name)));
    joined(tests.collect::<Result<_, ConditionError>>()?, operator)
}

/// What KeyConditions ask of keys.
pub fn key_tests(conditions: BTreeMap<ByteString, Shape>) -> Result<KeyTests, ConditionError> {
    let mut tests = KeyTests::new();
    for (name, shape) in conditions {
        let Test { operator, values } = test(shape)?;
        let mut values = values.into_iter();
        let mut next = || values.next().ok_or(KeyConditionError::NotIndexable);
        let test = match operator {
            Operator::Compare(comparison) => KeyTest::Compare(comparison, next()?),
            Operator::Between => KeyTest::Between(next()?, next()?),
            Operator::BeginsWith => KeyTest::BeginsWith(next()?),
            Operator::In | Operator::NotNull | Operator::Null | Operator::Contains | Operator::NotContains => {
                return Err(KeyConditionError::NotIndexable.into());
            }
        };
        tests.push((name, test));
    }
    Ok(tests)
}

fn joined(
    mut tests: Vec<Condition>,
    operator: Option<&ConditionalOperator>,
) -> Result<Option<Condition>, ConditionError> {
    match (operator, tests.len()) {
        (Some(_), 0) => Err(ConditionError::OperatorAlone),
        (Some(_), 1) => Err(ConditionError::OperatorOfOne),
        (None, 0) => Ok(None),
        (None, 1) => Ok(tests.pop()),
        (Some(ConditionalOperator::Or), _) => Ok(Some(Condition::Or(tests))),
        (None | Some(ConditionalOperator::And | ConditionalOperator::Unknown(_)), _) => Ok(Some(Condition::And(tests))),
    }
}

fn expectation(name: &ByteString, expected: ExpectedAttributeValue) -> Result<Condition, ConditionError> {
    let ExpectedAttributeValue { value, exists, comparison_operator, attribute_value_list } = expected;
    if value.is_some() && attribute_value_list.is_some() {
        return Err(ConditionError::ValueAndList(name.clone()));
    }
    if let Some(operator) = comparison_operator {
        if exists.is_some() {
            return Err(ConditionError::ExistsAndOperator(name.clone()));
        }
        let values = attribute_value_list.or_else(|| value.map(|value| vec![value]));
        let (known, text) = known(&operator);
        if values.is_none() && !matches!(known, Operator::Null | Operator::NotNull) {
            return Err(ConditionError::NoValue { operator: text, name: name.clone() });
        }
        return Ok(checked(known, text, values.unwrap_or_default())?.on(name.clone()));
    }
    if attribute_value_list.is_some() {
        return Err(ConditionError::ListAlone(name.clone()));
    }
    let path = Path::attribute(name.clone());
    match (exists, value) {
        (Some(false), None) => Ok(Condition::Not(Box::new(Condition::Exists(path)))),
        (Some(false), Some(_)) => Err(ConditionError::ValueUnwanted(name.clone())),
        (exists, None) => {
            let exists = if exists.is_some() { "true" } else { "null" };
            Err(ConditionError::ValueMissing { exists, name: name.clone() })
        }
        (_, Some(value)) => {
            let value = Operand::Value(convert::top_value(value)?);
            Ok(Condition::Compare(Operand::Path(path), Comparison::Equal, value))
        }
    }
}

fn test(shape: Shape) -> Result<Test, ConditionError> {
    let (operator, text) = known(&shape.comparison_operator);
    checked(operator, text, shape.attribute_value_list.unwrap_or_default())
}

/// An operator with as many values as it takes, and of types that it takes.
fn checked(operator: Operator, text: &'static str, values: Vec<AttributeValue>) -> Result<Test, ConditionError> {
    let values = values.into_iter().map(convert::top_value).collect::<Result<Vec<Value>, _>>()?;
    let is_right = match operator {
        Operator::Compare(_) | Operator::Contains | Operator::NotContains | Operator::BeginsWith => values.len() == 1,
        Operator::In => !values.is_empty(),
        Operator::Between => values.len() == 2,
        Operator::NotNull | Operator::Null => values.is_empty(),
    };
    if !is_right {
        return Err(ConditionError::Count(text));
    }
    let mut kinds = values.iter().map(Value::kind);
    let Some(kind) = kinds.next() else { return Ok(Test { operator, values }) };
    if kinds.any(|other| other != kind) {
        return Err(ConditionError::MixedTypes);
    }
    if !operator.takes(kind) {
        return Err(ConditionError::Type { operator: text, kind: kind.as_str() });
    }
    if operator == Operator::Between && values[0].order(&values[1]).is_some_and(std::cmp::Ordering::is_gt) {
        return Err(ConditionError::Bounds);
    }
    Ok(Test { operator, values })
}

fn known(operator: &ComparisonOperator) -> (Operator, &'static str) {
    match operator {
        // Names that the API does not know have been refused with the input.
        ComparisonOperator::Eq | ComparisonOperator::Unknown(_) => (Operator::Compare(Comparison::Equal), "EQ"),
        ComparisonOperator::Ne => (Operator::Compare(Comparison::NotEqual), "NE"),
        ComparisonOperator::In => (Operator::In, "IN"),
        ComparisonOperator::Le => (Operator::Compare(Comparison::LessOrEqual), "LE"),
        ComparisonOperator::Lt => (Operator::Compare(Comparison::Less), "LT"),
        ComparisonOperator::Ge => (Operator::Compare(Comparison::GreaterOrEqual), "GE"),
        ComparisonOperator::Gt => (Operator::Compare(Comparison::Greater), "GT"),
        ComparisonOperator::Between => (Operator::Between, "BETWEEN"),
        ComparisonOperator::NotNull => (Operator::NotNull, "NOT_NULL"),
        ComparisonOperator::Null => (Operator::Null, "NULL"),
        ComparisonOperator::Contains => (Operator::Contains, "CONTAINS"),
        ComparisonOperator::NotContains => (Operator::NotContains, "NOT_CONTAINS"),
        ComparisonOperator::BeginsWith => (Operator::BeginsWith, "BEGINS_WITH"),
    }
}

impl Operator {
    fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Compare(Comparison::Equal | Comparison::NotEqual) => true,
            Self::BeginsWith => matches!(kind, Kind::S | Kind::B),
            _ => matches!(kind, Kind::S | Kind::N | Kind::B),
        }
    }
}

impl Test {
    /// The condition that it is for an attribute.
    fn on(self, name: ByteString) -> Condition {
        let path = Path::attribute(name);
        let operand = Operand::Path(path.clone());
        let mut values = self.values.into_iter().map(Operand::Value);
        // The number of values has been checked.
        let mut next = || values.next().unwrap_or(Operand::Value(Value::Null));
        match self.operator {
            Operator::Compare(comparison) => Condition::Compare(operand, comparison, next()),
            Operator::Between => Condition::Between { value: operand, low: next(), high: next() },
            Operator::NotNull => Condition::Exists(path),
            Operator::Null => Condition::Not(Box::new(Condition::Exists(path))),
            Operator::Contains => Condition::Contains(operand, next()),
            Operator::NotContains => Condition::Not(Box::new(Condition::Contains(operand, next()))),
            Operator::BeginsWith => Condition::BeginsWith(operand, next()),
            Operator::In => Condition::In(operand, values.collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Attributes;

    fn text(text: &'static str) -> AttributeValue {
        AttributeValue { s: Some(text.into()), ..AttributeValue::default() }
    }

    fn refused(value: ExpectedAttributeValue, message: &str) {
        let error = expected(Some([("a".into(), value)].into()), None).expect_err(message).to_string();
        assert_eq!(error, format!("One or more parameter values were invalid: {message}"));
    }

    #[test]
    fn expectations_that_make_no_sense() {
        let none = ExpectedAttributeValue::default;
        refused(none(), "Value must be provided when Exists is null for Attribute: a");
        refused(
            ExpectedAttributeValue { exists: Some(true), ..none() },
            "Value must be provided when Exists is true for Attribute: a",
        );
        refused(
            ExpectedAttributeValue { exists: Some(false), value: Some(text("x")), ..none() },
            "Value cannot be used when Exists is false for Attribute: a",
        );
        refused(
            ExpectedAttributeValue { attribute_value_list: Some(vec![text("x")]), ..none() },
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        );
        refused(
            ExpectedAttributeValue {
                comparison_operator: Some(ComparisonOperator::Between),
                value: Some(text("x")),
                ..none()
            },
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator",
        );
        let one = |operator| {
            expected(Some([("a".into(), ExpectedAttributeValue { exists: Some(false), ..none() })].into()), operator)
        };
        assert_eq!(one(Some(&ConditionalOperator::Or)), Err(ConditionError::OperatorOfOne));
        assert_eq!(expected(None, Some(&ConditionalOperator::Or)), Err(ConditionError::OperatorAlone));
    }

    #[test]
    fn all_or_any_must_hold() {
        let is = |value| ExpectedAttributeValue { value: Some(text(value)), ..ExpectedAttributeValue::default() };
        let both = || Some([("a".into(), is("x")), ("b".into(), is("y"))].into());
        let item: Attributes = [("a".into(), Value::S("x".into()))].into();
        for (operator, holds) in
            [(None, false), (Some(ConditionalOperator::And), false), (Some(ConditionalOperator::Or), true)]
        {
            let condition = expected(both(), operator.as_ref()).expect("valid").expect("a condition");
            assert_eq!(condition.holds(&item), holds, "{operator:?}");
        }
    }

    #[test]
    fn every_operator_of_filters() {
        let item: Attributes = [("a".into(), Value::S("hello".into()))].into();
        for (operator, values, holds) in [
            (ComparisonOperator::Eq, vec!["hello"], true),
            (ComparisonOperator::Ne, vec!["hello"], false),
            (ComparisonOperator::In, vec!["x", "hello"], true),
            (ComparisonOperator::Le, vec!["hello"], true),
            (ComparisonOperator::Lt, vec!["hello"], false),
            (ComparisonOperator::Ge, vec!["z"], false),
            (ComparisonOperator::Gt, vec!["a"], true),
            (ComparisonOperator::Between, vec!["a", "z"], true),
            (ComparisonOperator::NotNull, vec![], true),
            (ComparisonOperator::Null, vec![], false),
            (ComparisonOperator::Contains, vec!["ell"], true),
            (ComparisonOperator::NotContains, vec!["ell"], false),
            (ComparisonOperator::BeginsWith, vec!["he"], true),
        ] {
            let values = values.into_iter().map(text).collect();
            let shape = Shape { comparison_operator: operator.clone(), attribute_value_list: Some(values) };
            let condition = filter(Some([("a".into(), shape)].into()), None).expect("valid").expect("a condition");
            assert_eq!(condition.holds(&item), holds, "{operator:?}");
        }
    }
}
