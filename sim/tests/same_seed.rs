//! The same seed gives the same life.

use sim::life::{TRACE_LINES, live};
use sim::plan::Plan;

#[test]
fn the_same_seed_twice_gives_the_same_trace() {
    for seed in 0..12 {
        let (first, second) = (live(Plan::of(seed), TRACE_LINES), live(Plan::of(seed), TRACE_LINES));
        if first.trace_hash != second.trace_hash {
            let lines = first.trace.iter().zip(&second.trace);
            let differing = lines.clone().find(|(first, second)| first != second);
            panic!("seed {seed}: {} and {} lines; {differing:#?}", first.trace_lines, second.trace_lines);
        }
        assert!(first.acknowledged > 0, "seed {seed}: nothing was put");
    }
}
