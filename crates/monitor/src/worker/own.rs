//! Records the server's own metrics once a minute.

use std::sync::Arc;

use base::BoxFuture;
use base::time::Timestamp;

use super::{Job, is_another_minute};
use crate::core::Core;
use crate::point::Point;
use crate::ports::Sample;
use crate::storage::{Datum, StorageError};
use crate::unit::Unit;

pub struct Own;

impl Job for Own {
    fn name(&self) -> &'static str {
        "own metrics"
    }

    fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        is_another_minute(last, now)
    }

    fn run<'a>(&'a self, core: &'a Arc<Core>, now: Timestamp) -> BoxFuture<'a, Result<usize, StorageError>> {
        Box::pin(async move {
            let samples = core.own.collect();
            // They belong to the minute that has just ended.
            let time = Timestamp::from_millis((now.seconds().div_euclid(60) * 60 - 60) * 1000);
            let mut recorded = 0;
            for sample in samples.iter().filter(|sample| sample.count > 0.0) {
                match core.storage.record(&sample.scope, &[datum(sample, time)]) {
                    Ok(()) => recorded += 1,
                    Err(error) => {
                        let left_out = samples.len() - recorded;
                        tracing::warn!(%error, left_out, "the server's own metrics are not all recorded");
                        break;
                    }
                }
            }
            Ok(recorded)
        })
    }
}

fn datum(sample: &Sample, time: Timestamp) -> Datum {
    let unit = Unit::of(&sample.unit).unwrap_or_default();
    let point = Point::of_set(sample.count, sample.sum, sample.min, sample.max);
    Datum { name: sample.metric.clone(), unit, time, point }
}
