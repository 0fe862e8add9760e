//! Evaluates every alarm once a minute.

use std::sync::Arc;

use base::BoxFuture;
use base::time::Timestamp;

use super::{Job, is_another_minute};
use crate::alarm::Alarm;
use crate::alarm::verdict::{EXTRA_PERIODS, judge};
use crate::core::Core;
use crate::delivery;
use crate::storage::StorageError;
use crate::window::Window;

pub struct Alarms;

impl Job for Alarms {
    fn name(&self) -> &'static str {
        "alarms"
    }

    fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        is_another_minute(last, now)
    }

    fn run<'a>(&'a self, core: &'a Arc<Core>, now: Timestamp) -> BoxFuture<'a, Result<usize, StorageError>> {
        Box::pin(async move {
            let mut changed = 0;
            for alarm in core.book.all() {
                changed += usize::from(evaluate(core, &alarm, now).await?);
            }
            Ok(changed)
        })
    }
}

/// Answers whether the alarm has changed its state.
async fn evaluate(core: &Arc<Core>, alarm: &Arc<Alarm>, now: Timestamp) -> Result<bool, StorageError> {
    // Checked when the alarm was put; a release that no longer supports it leaves it as it is.
    let Ok(queries) = alarm.queries() else { return Ok(false) };
    let period = queries.period();
    let end = now.seconds().div_euclid(60) * 60;
    let periods = (alarm.evaluation_periods() + EXTRA_PERIODS) as i64;
    let window = Window { start: end - periods * period, end, period };
    let mut points = queries.evaluate(&core.storage, &alarm.scope, |_| window).await?;
    let returned = queries.iter().find(|query| query.is_returned);
    let points = returned.and_then(|query| points.remove(&query.id)).unwrap_or_default();
    let Some(verdict) = judge(alarm, &points) else { return Ok(false) };
    if verdict.state == *alarm.state() {
        return Ok(false);
    }
    tracing::info!(alarm = alarm.name(), state = verdict.state.as_str(), reason = verdict.reason, "an alarm changed");
    let promised = core.book.set_state(alarm, verdict, None, now).await?;
    delivery::begin(core, promised);
    Ok(true)
}
