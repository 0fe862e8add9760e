//! Scan: all items of a table or an index, or those of one of several segments.

use std::ops::Bound;

use api::dynamodb::{ScanInput, ScanOutput};
use base::caller::Caller;

use super::forms::{RawPlaceholders, parts};
use super::reading::{Found, ReadError, Reading, Source};
use crate::core::Core;
use crate::error::Answer;
use crate::expression::{self, Parameter};
use crate::item_key::ItemKey;
use crate::key_condition::KeyRange;
use crate::legacy;

pub fn scan(core: &Core, caller: &Caller, input: ScanInput) -> Answer<ScanOutput> {
    let raw = RawPlaceholders { names: input.expression_attribute_names, values: input.expression_attribute_values };
    let mut placeholders = raw.check(
        &[
            ("ProjectionExpression", input.projection_expression.is_some()),
            ("FilterExpression", input.filter_expression.is_some()),
        ],
        &[
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("ScanFilter", input.scan_filter.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
        ],
    )?;
    let filter = match input.filter_expression {
        Some(text) => Some(expression::condition(Parameter::Filter, &text, &mut placeholders)?),
        None => legacy::filter(input.scan_filter, input.conditional_operator.as_ref())?,
    };
    let parts = parts(input.projection_expression.as_ref(), input.attributes_to_get, &mut placeholders)?;
    placeholders.finish()?;
    let mut range = segment(input.segment, input.total_segments)?;
    let source = Source::new(core.table(caller, &input.table_name)?, input.index_name.as_ref())?;
    if let Some(key) = input.exclusive_start_key {
        let start = source.start(key)?;
        if !range.holds(&start) {
            let (segment, total) = (input.segment.unwrap_or_default(), input.total_segments.unwrap_or_default());
            return Err(ReadError::StartOtherSegment { total, segment }.into());
        }
        range = range.behind(start, true);
    }
    let found = source.read(Reading {
        range,
        forward: true,
        limit: input.limit,
        consistent: input.consistent_read == Some(true),
        filter,
        select: input.select,
        parts,
        capacity: input.return_consumed_capacity,
    })?;
    let Found { items, count, scanned_count, last_evaluated_key, consumed_capacity } = found;
    Ok(ScanOutput {
        items,
        count: Some(count),
        scanned_count: Some(scanned_count),
        last_evaluated_key,
        consumed_capacity,
    })
}

/// The share of the hashes that a segment has.
fn segment(segment: Option<i32>, total: Option<i32>) -> Result<KeyRange, ReadError> {
    let (segment, total) = match (segment, total) {
        (None, None) => return Ok(KeyRange::ALL),
        (Some(_), None) => return Err(ReadError::SegmentAlone),
        (None, Some(_)) => return Err(ReadError::TotalSegmentsAlone),
        (Some(segment), Some(total)) if segment >= total => return Err(ReadError::Segment { total, segment }),
        (Some(segment), Some(total)) => (segment.unsigned_abs(), total.unsigned_abs()),
    };
    let boundary = |segment: u32| (u128::from(segment) << 64).div_ceil(u128::from(total.max(1)));
    let first = |segment: u32| u64::try_from(boundary(segment)).ok().map(ItemKey::first_of_hash);
    Ok(KeyRange {
        lower: first(segment).map_or(Bound::Unbounded, Bound::Included),
        // Behind the last segment there are no hashes.
        upper: first(segment + 1).map_or(Bound::Unbounded, Bound::Excluded),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_share_out_all_hashes() {
        for total in [1_i32, 2, 3, 10, 32, 1_000_000] {
            let ends = [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX];
            for hash in ends.into_iter().chain((0..50).map(|n| n * (u64::MAX / 50))) {
                let at = ItemKey::first_of_hash(hash);
                let near =
                    i32::try_from((u128::from(hash) * u128::from(total.unsigned_abs())) >> 64).expect("a segment");
                let holding: Vec<i32> = (near - 1..=near + 1)
                    .filter(|n| (0..total).contains(n))
                    .filter(|n| segment(Some(*n), Some(total)).expect("valid").holds(&at))
                    .collect();
                assert_eq!(holding.len(), 1, "{hash} of {total}");
            }
        }
        assert_eq!(segment(Some(2), Some(2)), Err(ReadError::Segment { total: 2, segment: 2 }));
        assert_eq!(segment(Some(0), None), Err(ReadError::SegmentAlone));
        assert_eq!(segment(None, Some(1)), Err(ReadError::TotalSegmentsAlone));
    }
}
