//! The simulation notices a disk that says what is not so: if it did not, a log that forgot to flush would pass too.

use sim::disk::Lies;
use sim::life::{Outcome, TRACE_LINES, live};
use sim::plan::Plan;

/// Lives so many lives on a disk that lies; answers those that found a broken promise.
fn caught(seeds: u64, lies: Lies) -> Vec<Outcome> {
    let lives = (0..seeds).map(|seed| {
        let mut plan = Plan::of(seed);
        plan.log.is_on_disk = true;
        plan.disk.lies = lies;
        live(plan, TRACE_LINES)
    });
    lives.filter(|outcome| !outcome.violations.is_empty()).collect()
}

#[test]
fn records_that_are_acknowledged_before_they_are_flushed_are_missed() {
    let caught = caught(20, Lies { flush: true, ..Lies::default() });
    assert!(caught.len() >= 10, "{} of 20", caught.len());
}

#[test]
fn names_that_are_relied_on_before_their_directory_is_flushed_are_missed() {
    let caught = caught(60, Lies { sync_dir: true, ..Lies::default() });
    assert!(caught.len() >= 5, "{} of 60", caught.len());
}

#[test]
fn wrong_bits_are_never_served() {
    for outcome in caught(40, Lies { wrong_reads: Some(20), ..Lies::default() }) {
        for violation in outcome.violations {
            let is_wrong = ["other bytes", "never put", "is now"].iter().any(|words| violation.contains(words));
            assert!(!is_wrong, "seed {}: {violation}", outcome.seed);
        }
    }
}
