//! Seeds that have found something are lived again and again.

use sim::life::{TRACE_LINES, live};
use sim::plan::Plan;

#[test]
fn what_was_found_once_stays_mended() {
    let seeds = include_str!("../seeds.txt").lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in seeds {
        let seed = line.split_whitespace().next().expect("a line begins with a seed");
        let outcome = live(Plan::of(seed.parse().expect("a number")), TRACE_LINES);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}\n{}", outcome.violations, outcome.trace.join("\n"));
        count += 1;
    }
    assert!(count > 0, "the list is read");
}
