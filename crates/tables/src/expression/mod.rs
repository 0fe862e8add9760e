//! DynamoDB's expressions: text and placeholders into conditions, updates, projections and key conditions.
//!
//! Reserved words are taken as names: AWS refuses them, so that expressions that it takes mean the same here.
//! Parsing is bounded by the length of an expression and by how deep it nests.

mod conditions;
mod cursor;
mod key_conditions;
mod lexer;
mod operands;
mod placeholders;
mod projections;
mod updates;

use std::fmt;

use thiserror::Error;

pub use key_conditions::key_condition;
pub use placeholders::{PlaceholderError, Placeholders};

use crate::condition::Condition;
use crate::path::Path;
use crate::update::Update;
use cursor::Cursor;

/// The parameter that an expression came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    Condition,
    Filter,
    KeyCondition,
    Projection,
    Update,
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Condition => "ConditionExpression",
            Self::Filter => "FilterExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Projection => "ProjectionExpression",
            Self::Update => "UpdateExpression",
        })
    }
}

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Invalid {parameter}: {fault}")]
pub struct ExpressionError {
    pub parameter: Parameter,
    pub fault: Fault,
}

/// What is wrong with an expression, in the service's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    #[error("The expression can not be empty;")]
    Empty,
    #[error("Expression size has exceeded the maximum allowed size; expression size: {0}")]
    TooLong(usize),
    #[error("Size of the values in expressions has exceeded the maximum allowed size;")]
    ValuesTooLarge,
    #[error("The expression is nested too deeply;")]
    TooDeep,
    #[error("Syntax error; token: \"{token}\", near: \"{near}\"")]
    Syntax { token: String, near: String },
    #[error("The expression has redundant parentheses;")]
    Parentheses,
    #[error("An expression attribute name used in the document path is not defined; attribute name: {0}")]
    UnknownName(String),
    #[error("An expression attribute value used in expression is not defined; attribute value: {0}")]
    UnknownValue(String),
    #[error("Invalid function name; function: {0}")]
    UnknownFunction(String),
    #[error("The function is not allowed to be used this way in an expression; function: {0}")]
    MisusedFunction(String),
    #[error(
        "Incorrect number of operands for operator or function; operator or function: {operator}, number of operands: \
         {count}"
    )]
    OperandCount { operator: &'static str, count: usize },
    #[error("Operator or function requires a document path; operator or function: {0}")]
    NotAPath(&'static str),
    #[error("Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}")]
    OperandType { operator: &'static str, kind: &'static str },
    #[error("Incorrect operand type for operator or function; operator: {operator}, operand type: {kind}")]
    ActionType { operator: &'static str, kind: &'static str },
    #[error("Invalid attribute type name found; type: {0}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}")]
    UnknownType(String),
    #[error(
        "The first operand must be distinct from the remaining operands for this operator or function; operator: \
         {operator}, first operand: {operand}"
    )]
    SameOperands { operator: &'static str, operand: String },
    #[error(
        "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: \
         {{{low}}}, upper bound operand: AttributeValue: {{{high}}}"
    )]
    BoundTypes { low: String, high: String },
    #[error(
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: \
         AttributeValue: {{{low}}}, upper bound operand: AttributeValue: {{{high}}}"
    )]
    Bounds { low: String, high: String },
    #[error("The \"{0}\" section can only be used once in an update expression;")]
    SectionTwice(&'static str),
    #[error(
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {0}, path \
         two: {1}"
    )]
    Overlap(String, String),
    #[error(
        "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: {0}, path \
         two: {1}"
    )]
    Conflict(String, String),
}

/// A condition or a filter.
pub fn condition(
    parameter: Parameter,
    text: &str,
    placeholders: &mut Placeholders,
) -> Result<Condition, ExpressionError> {
    whole(parameter, text, placeholders, conditions::condition)
}

/// The sections of an update.
pub fn update(text: &str, placeholders: &mut Placeholders) -> Result<Update, ExpressionError> {
    whole(Parameter::Update, text, placeholders, updates::update)
}

/// The paths of a projection.
pub fn projection(text: &str, placeholders: &mut Placeholders) -> Result<Vec<Path>, ExpressionError> {
    whole(Parameter::Projection, text, placeholders, projections::paths)
}

/// Parses a whole text.
fn whole<T>(
    parameter: Parameter,
    text: &str,
    placeholders: &mut Placeholders,
    parse: impl FnOnce(&mut Cursor<'_, '_>) -> Result<T, Fault>,
) -> Result<T, ExpressionError> {
    let parsed = Cursor::new(text, placeholders).and_then(|mut cursor| {
        let parsed = parse(&mut cursor)?;
        cursor.end()?;
        Ok(parsed)
    });
    parsed.map_err(|fault| ExpressionError { parameter, fault })
}

#[cfg(test)]
mod tests;
