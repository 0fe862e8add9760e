//! Metric math: `+ - * /` of ids, numbers and parentheses. No functions.

use std::collections::BTreeMap;

use thiserror::Error;

/// Parentheses and signs within each other.
const DEPTH_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Number(f64),
    Id(String),
    Operation(Box<Expression>, Operator, Box<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpressionError {
    #[error("the function {0} is not supported: metric math here is + - * / of ids, numbers and parentheses")]
    Function(String),
    #[error("{0:?} is not supported: metric math here is + - * / of ids, numbers and parentheses")]
    Character(char),
    #[error("the expression ends too early")]
    End,
    #[error("the expression is nested too deeply")]
    Depth,
}

/// What an expression stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(f64),
    /// By second.
    Series(BTreeMap<i64, f64>),
}

impl Expression {
    /// # Errors
    /// When the text is not an expression, or one that needs more than this.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser { rest: text, depth: 0 };
        let expression = parser.sum()?;
        match parser.peek() {
            None => Ok(expression),
            Some(character) => Err(ExpressionError::Character(character)),
        }
    }

    /// The ids that it is made of.
    pub fn ids<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Number(_) => {}
            Self::Id(id) => found.push(id),
            Self::Operation(left, _, right) => {
                left.ids(found);
                right.ids(found);
            }
        }
    }

    /// Every id must be known.
    #[must_use]
    pub fn evaluate(&self, known: &BTreeMap<String, Value>) -> Value {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Id(id) => known.get(id).cloned().expect("ids were checked and are evaluated in order"),
            Self::Operation(left, operator, right) => operator.apply(left.evaluate(known), right.evaluate(known)),
        }
    }
}

impl Operator {
    /// Two series have a result where both have a value. What is divided by zero has none.
    fn apply(self, left: Value, right: Value) -> Value {
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => Value::Number(self.of(left, right)),
            (Value::Series(left), Value::Number(right)) => {
                series(left.into_iter().map(|(at, left)| (at, self.of(left, right))))
            }
            (Value::Number(left), Value::Series(right)) => {
                series(right.into_iter().map(|(at, right)| (at, self.of(left, right))))
            }
            (Value::Series(left), Value::Series(right)) => {
                let both = left.into_iter().filter_map(|(at, left)| Some((at, self.of(left, *right.get(&at)?))));
                series(both)
            }
        }
    }

    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Plus => left + right,
            Self::Minus => left - right,
            Self::Times => left * right,
            Self::Over => left / right,
        }
    }
}

fn series(points: impl Iterator<Item = (i64, f64)>) -> Value {
    Value::Series(points.filter(|(_, value)| value.is_finite()).collect())
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn skip(&mut self, character: char) {
        self.rest = &self.rest[character.len_utf8()..];
    }

    fn take(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let len = self.rest.bytes().position(|byte| !accept(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn sum(&mut self) -> Result<Expression, ExpressionError> {
        let mut left = self.product()?;
        while let Some(character @ ('+' | '-')) = self.peek() {
            self.skip(character);
            let operator = if character == '+' { Operator::Plus } else { Operator::Minus };
            left = Expression::Operation(Box::new(left), operator, Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, ExpressionError> {
        let mut left = self.operand()?;
        while let Some(character @ ('*' | '/')) = self.peek() {
            self.skip(character);
            let operator = if character == '*' { Operator::Times } else { Operator::Over };
            left = Expression::Operation(Box::new(left), operator, Box::new(self.operand()?));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, ExpressionError> {
        match self.peek().ok_or(ExpressionError::End)? {
            sign @ ('-' | '(') => {
                self.skip(sign);
                if self.depth == DEPTH_MAX {
                    return Err(ExpressionError::Depth);
                }
                self.depth += 1;
                let inner = if sign == '-' { self.negated()? } else { self.parenthesised()? };
                self.depth -= 1;
                Ok(inner)
            }
            '0'..='9' | '.' => self.number(),
            'a'..='z' | 'A'..='Z' => self.id(),
            other => Err(ExpressionError::Character(other)),
        }
    }

    fn negated(&mut self) -> Result<Expression, ExpressionError> {
        let operand = self.operand()?;
        Ok(Expression::Operation(Box::new(Expression::Number(-1.0)), Operator::Times, Box::new(operand)))
    }

    fn parenthesised(&mut self) -> Result<Expression, ExpressionError> {
        let inner = self.sum()?;
        match self.peek().ok_or(ExpressionError::End)? {
            ')' => self.skip(')'),
            other => return Err(ExpressionError::Character(other)),
        }
        Ok(inner)
    }

    fn number(&mut self) -> Result<Expression, ExpressionError> {
        let digits = self.take(|byte| byte.is_ascii_digit() || byte == b'.');
        digits.parse().map(Expression::Number).map_err(|_| ExpressionError::Character('.'))
    }

    fn id(&mut self) -> Result<Expression, ExpressionError> {
        let id = self.take(|byte| byte.is_ascii_alphanumeric() || byte == b'_').to_owned();
        // Ids begin with a small letter; functions and keywords with a capital.
        let is_function = self.peek() == Some('(') || id.starts_with(|first: char| first.is_ascii_uppercase());
        if is_function { Err(ExpressionError::Function(id)) } else { Ok(Expression::Id(id)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: f64) {
        let known = BTreeMap::from([("m1".to_owned(), Value::Number(6.0)), ("m2".to_owned(), Value::Number(4.0))]);
        assert_eq!(Expression::parse(text).expect(text).evaluate(&known), Value::Number(expected), "{text}");
    }

    #[test]
    fn precedence_is_the_usual_one() {
        check("m1 + m2 * 2", 14.0);
        check("(m1 + m2) * 2", 20.0);
        check("m1 - m2 - 1", 1.0);
        check("m1 / m2 / 3", 0.5);
        check("-m1 - -2.5", -3.5);
        check("100*(m1/(m1+m2))", 60.0);
    }

    #[test]
    fn series_meet_where_both_have_a_value() {
        let series = |points: &[(i64, f64)]| Value::Series(points.iter().copied().collect());
        let known = BTreeMap::from([
            ("a".to_owned(), series(&[(0, 8.0), (60, 6.0), (120, 4.0)])),
            ("b".to_owned(), series(&[(0, 2.0), (60, 0.0), (180, 1.0)])),
        ]);
        let evaluate = |text| Expression::parse(text).expect(text).evaluate(&known);
        assert_eq!(evaluate("a / b"), series(&[(0, 4.0)]));
        assert_eq!(evaluate("a + b"), series(&[(0, 10.0), (60, 6.0)]));
        assert_eq!(evaluate("10 - b"), series(&[(0, 8.0), (60, 10.0), (180, 9.0)]));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(Expression::parse("SUM(METRICS())"), Err(ExpressionError::Function("SUM".to_owned())));
        assert_eq!(Expression::parse("m1 AND m2"), Err(ExpressionError::Character('A')));
        assert_eq!(Expression::parse("m1 > 3"), Err(ExpressionError::Character('>')));
        assert_eq!(Expression::parse("m1 +"), Err(ExpressionError::End));
        assert_eq!(Expression::parse(""), Err(ExpressionError::End));
        assert_eq!(Expression::parse("1.2.3"), Err(ExpressionError::Character('.')));
        assert_eq!(Expression::parse(&"(".repeat(1000)), Err(ExpressionError::Depth));
        assert_eq!(Expression::parse(&"-".repeat(1000)), Err(ExpressionError::Depth));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,64}") {
            let _ = Expression::parse(&text);
        }

        #[test]
        fn any_sum_of_tokens_is_answered(tokens in prop::collection::vec("[a-c(){}+*/.0-9 -]", 0..64)) {
            if let Ok(expression) = Expression::parse(&tokens.concat()) {
                let mut ids = Vec::new();
                expression.ids(&mut ids);
                prop_assert!(ids.len() <= 64);
            }
        }
    }
}
