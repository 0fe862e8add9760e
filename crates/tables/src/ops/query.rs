//! Query: items of one partition, in the order of their sort keys.

use api::dynamodb::{QueryInput, QueryOutput};
use base::caller::Caller;

use super::forms::{RawPlaceholders, parts};
use super::reading::{Found, ReadError, Reading, Source};
use crate::core::Core;
use crate::error::Answer;
use crate::expression::{self, Parameter};
use crate::key_condition::KeyRange;
use crate::legacy;

pub fn query(core: &Core, caller: &Caller, input: QueryInput) -> Answer<QueryOutput> {
    let raw = RawPlaceholders { names: input.expression_attribute_names, values: input.expression_attribute_values };
    // KeyConditions go with other expressions, but not with an expression in their own place.
    let both = input.key_conditions.is_some() && input.key_condition_expression.is_some();
    let mut placeholders = raw.check(
        &[
            ("ProjectionExpression", input.projection_expression.is_some()),
            ("FilterExpression", input.filter_expression.is_some()),
            ("KeyConditionExpression", input.key_condition_expression.is_some()),
        ],
        &[
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("QueryFilter", input.query_filter.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
            ("KeyConditions", both),
        ],
    )?;
    let tests = match (input.key_condition_expression, input.key_conditions) {
        (Some(text), _) => expression::key_condition(&text, &mut placeholders)??,
        (None, Some(conditions)) => legacy::key_tests(conditions)?,
        (None, None) => return Err(ReadError::NoKeyConditions.into()),
    };
    let (form, filter) = match input.filter_expression {
        Some(text) => {
            let filter = expression::condition(Parameter::Filter, &text, &mut placeholders)?;
            ("Filter Expression", Some(filter))
        }
        None => ("QueryFilter", legacy::filter(input.query_filter, input.conditional_operator.as_ref())?),
    };
    let parts = parts(input.projection_expression.as_ref(), input.attributes_to_get, &mut placeholders)?;
    placeholders.finish()?;
    let source = Source::new(core.table(caller, &input.table_name)?, input.index_name.as_ref())?;
    source.check_filter(form, filter.as_ref())?;
    let mut range = KeyRange::new(&tests, source.keys())?;
    let forward = input.scan_index_forward != Some(false);
    if let Some(key) = input.exclusive_start_key {
        let start = source.start(key)?;
        if !range.holds(&start) {
            return Err(ReadError::StartOutside.into());
        }
        range = range.behind(start, forward);
    }
    let found = source.read(Reading {
        range,
        forward,
        limit: input.limit,
        consistent: input.consistent_read == Some(true),
        filter,
        select: input.select,
        parts,
        capacity: input.return_consumed_capacity,
    })?;
    let Found { items, count, scanned_count, last_evaluated_key, consumed_capacity } = found;
    Ok(QueryOutput {
        items,
        count: Some(count),
        scanned_count: Some(scanned_count),
        last_evaluated_key,
        consumed_capacity,
    })
}
