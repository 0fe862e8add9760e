//! KeyConditionExpression: a condition of which only tests of keys, joined by AND, are taken.

use super::{ExpressionError, Parameter, Placeholders, condition};
use crate::condition::{Comparison, Condition, Operand};
use crate::key_condition::{KeyConditionError, KeyTest, KeyTests};
use crate::path::Path;
use crate::value::Value;

/// Parses; the outer error is one of the text, the inner one of what it asks for.
pub fn key_condition(
    text: &str,
    placeholders: &mut Placeholders,
) -> Result<Result<KeyTests, KeyConditionError>, ExpressionError> {
    Ok(tests(condition(Parameter::KeyCondition, text, placeholders)?))
}

fn tests(condition: Condition) -> Result<KeyTests, KeyConditionError> {
    let mut tests = KeyTests::new();
    let conditions = match condition {
        Condition::And(all) => all,
        one => vec![one],
    };
    for condition in conditions {
        // Parentheses may hold more of them.
        let found = match condition {
            all @ Condition::And(_) => self::tests(all)?,
            one => vec![test(one)?],
        };
        for (name, test) in found {
            if tests.iter().any(|(tested, _)| *tested == name) {
                return Err(KeyConditionError::Twice);
            }
            tests.push((name, test));
        }
    }
    Ok(tests)
}

fn test(condition: Condition) -> Result<(base::ByteString, KeyTest), KeyConditionError> {
    match condition {
        Condition::Compare(_, Comparison::NotEqual, _) => Err(KeyConditionError::Operator("<>")),
        Condition::Compare(Operand::Path(_), _, Operand::Path(_)) => Err(KeyConditionError::TwoNames),
        Condition::Compare(Operand::Path(path), comparison, Operand::Value(value)) => {
            Ok((name(path)?, KeyTest::Compare(comparison, value)))
        }
        Condition::Compare(Operand::Value(value), comparison, Operand::Path(path)) => {
            Ok((name(path)?, KeyTest::Compare(comparison.mirrored(), value)))
        }
        Condition::Compare(Operand::Size(_), ..) | Condition::Compare(_, _, Operand::Size(_)) => {
            Err(KeyConditionError::Operation)
        }
        Condition::Compare(Operand::Value(_), _, Operand::Value(_)) => Err(KeyConditionError::NoKey),
        Condition::Between { value: Operand::Path(path), low, high } => {
            Ok((name(path)?, KeyTest::Between(value(low)?, value(high)?)))
        }
        Condition::Between { .. } => Err(KeyConditionError::NotFirst("BETWEEN")),
        Condition::BeginsWith(Operand::Path(path), prefix) => Ok((name(path)?, KeyTest::BeginsWith(value(prefix)?))),
        Condition::BeginsWith(..) => Err(KeyConditionError::NotFirst("begins_with")),
        Condition::Or(_) => Err(KeyConditionError::Operator("OR")),
        Condition::Not(inner) if matches!(*inner, Condition::Exists(_)) => {
            Err(KeyConditionError::Operator("attribute_not_exists"))
        }
        Condition::Not(_) => Err(KeyConditionError::Operator("NOT")),
        Condition::In(..) => Err(KeyConditionError::Operator("IN")),
        Condition::Exists(_) => Err(KeyConditionError::Operator("attribute_exists")),
        Condition::TypeIs(..) => Err(KeyConditionError::Operator("attribute_type")),
        Condition::Contains(..) => Err(KeyConditionError::Operator("contains")),
        Condition::And(_) => Err(KeyConditionError::Operator("AND")),
    }
}

fn name(path: Path) -> Result<base::ByteString, KeyConditionError> {
    if path.steps.is_empty() { Ok(path.attribute) } else { Err(KeyConditionError::Nested) }
}

fn value(operand: Operand) -> Result<Value, KeyConditionError> {
    match operand {
        Operand::Value(value) => Ok(value),
        Operand::Path(_) => Err(KeyConditionError::TwoNames),
        Operand::Size(_) => Err(KeyConditionError::Operation),
    }
}
