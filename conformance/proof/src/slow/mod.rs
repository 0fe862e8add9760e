//! Slow disks and wrong clocks: devices that answer nothing for 5 s, and clocks that jump, run back or run fast.

use crate::report::{Options, Report};

mod clock;
mod stall;

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let (stalls, stalled) = stall::run(options).await?;
    let clocks = clock::run(options).await?;
    let clocks = clocks.map_or_else(
        || format!("clock steps skipped: needs {}", clock::LIBRARY),
        |(steps, records)| {
            format!("{steps} steps of the clock: 0 lost of {records}, numbers and times of arrival never fell")
        },
    );
    Ok(Report::passed(
        options.count,
        format!(
            "{stalls} stalls of 5 s: 0 lost of {stalled} acknowledged records, the tail was read meanwhile; {clocks}"
        ),
    ))
}
