//! The two forms of conditions, filters and updates in a request, and which of them may come together.

use std::collections::{BTreeMap, BTreeSet};

use api::dynamodb::{
    AttributeValue, ConditionalOperator, ExpectedAttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use base::ByteString;
use thiserror::Error;

use crate::condition::Condition;
use crate::error::Answer;
use crate::expression::{self, Parameter, Placeholders};
use crate::legacy;
use crate::path::Path;
use crate::projection::Parts;

/// Parameters that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormError {
    #[error(
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
         {{{legacy}}} Expression parameters: {{{expressions}}}"
    )]
    Mixed { legacy: String, expressions: String },
    #[error("ExpressionAttributeNames can only be specified when using expressions")]
    NamesAlone,
    #[error("ExpressionAttributeValues can only be specified when using expressions: {0}")]
    ValuesAlone(String),
    #[error("One or more parameter values were invalid: Duplicate value in attribute name: {0}")]
    DuplicateAttribute(ByteString),
    #[error("ReturnValues can only be ALL_OLD or NONE")]
    ReturnValues,
}

/// A parameter's name, and whether the request has it.
pub type Given = (&'static str, bool);

/// Names and values of a request's placeholders.
#[derive(Debug, Default)]
pub struct RawPlaceholders {
    pub names: Option<BTreeMap<ByteString, ByteString>>,
    pub values: Option<BTreeMap<ByteString, AttributeValue>>,
}

impl RawPlaceholders {
    /// Checks that a request keeps to one form, and takes the placeholders.
    pub fn check(self, expressions: &[Given], legacy: &[Given]) -> Answer<Placeholders> {
        let given = |list: &[Given]| -> Vec<&'static str> {
            list.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name).collect()
        };
        let (found, others) = (given(expressions), given(legacy));
        if !found.is_empty() && !others.is_empty() {
            return Err(FormError::Mixed { legacy: others.join(", "), expressions: found.join(", ") }.into());
        }
        if self.names.is_some() && found.is_empty() {
            return Err(FormError::NamesAlone.into());
        }
        let with_values: Vec<&Given> = expressions.iter().filter(|(name, _)| *name != "ProjectionExpression").collect();
        if self.values.is_some() && !with_values.iter().any(|(_, is_given)| *is_given) {
            let names: Vec<&str> = with_values.iter().map(|(name, _)| *name).collect();
            let are = if names.len() > 1 { "are" } else { "is" };
            return Err(FormError::ValuesAlone(format!("{} {are} null", names.join(" and "))).into());
        }
        Ok(Placeholders::new(self.names, self.values)?)
    }
}

/// The condition of a write, in either form.
#[derive(Debug, Default)]
pub struct RawCondition {
    pub expression: Option<ByteString>,
    pub expected: Option<BTreeMap<ByteString, ExpectedAttributeValue>>,
    pub operator: Option<ConditionalOperator>,
}

impl RawCondition {
    pub fn parse(self, placeholders: &mut Placeholders) -> Answer<Option<Condition>> {
        match self.expression {
            Some(text) => Ok(Some(expression::condition(Parameter::Condition, &text, placeholders)?)),
            None => Ok(legacy::expected(self.expected, self.operator.as_ref())?),
        }
    }
}

/// The parts of items that a read asks for, in either form; `None` is everything.
pub fn parts(
    expression: Option<&ByteString>,
    attributes: Option<Vec<ByteString>>,
    placeholders: &mut Placeholders,
) -> Answer<Option<Parts>> {
    if let Some(text) = expression {
        return Ok(Some(Parts::new(&expression::projection(text, placeholders)?)));
    }
    let Some(names) = attributes else { return Ok(None) };
    let mut seen = BTreeSet::new();
    for name in &names {
        if !seen.insert(name) {
            return Err(FormError::DuplicateAttribute(name.clone()).into());
        }
    }
    let paths: Vec<Path> = names.into_iter().map(Path::attribute).collect();
    Ok(Some(Parts::new(&paths)))
}

/// Whether a put or a deletion answers the item that was there.
pub fn wants_old(return_values: Option<&ReturnValue>) -> Result<bool, FormError> {
    match return_values {
        None | Some(ReturnValue::None) => Ok(false),
        Some(ReturnValue::AllOld) => Ok(true),
        Some(ReturnValue::UpdatedOld | ReturnValue::AllNew | ReturnValue::UpdatedNew | ReturnValue::Unknown(_)) => {
            Err(FormError::ReturnValues)
        }
    }
}

/// Whether a failed condition shows the item.
pub fn shows_item(wanted: Option<&ReturnValuesOnConditionCheckFailure>) -> bool {
    wanted == Some(&ReturnValuesOnConditionCheckFailure::AllOld)
}
