//! `sim --seeds A..B`: lives these lives and tells which of them broke a promise.

use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use sim::life::{Outcome, TRACE_LINES, live};
use sim::panics;
use sim::plan::Plan;

/// Lives per line of the summary.
const LINE_SEEDS: u64 = 500;

/// Broken promises that are shown of a life.
const VIOLATIONS_MAX: usize = 6;

const HELP: &str = "usage: sim [--seeds A..B] [--trace]

  --seeds A..B  the seeds to live, B left out (0..500)
  --trace       print all traces";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (seeds, shows) = match arguments[..] {
        [] => (Some(0..500), false),
        ["--seeds", seeds] => (range(seeds), false),
        ["--seeds", seeds, "--trace"] => (range(seeds), true),
        _ => (None, false),
    };
    let Some(seeds) = seeds else {
        eprintln!("{HELP}");
        return ExitCode::FAILURE;
    };
    panics::watch();
    if run(seeds, shows) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    let range = from.parse().ok()?..to.parse().ok()?;
    (!range.is_empty()).then_some(range)
}

/// Lives the seeds; answers how many failed.
fn run(seeds: Range<u64>, shows: bool) -> u64 {
    let began = Instant::now();
    let (mut failed, mut acknowledged, mut read) = (0, 0, 0);
    let (first, end) = (seeds.start, seeds.end);
    for seed in seeds {
        let outcome = live(Plan::of(seed), if shows { usize::MAX } else { TRACE_LINES });
        acknowledged += outcome.acknowledged;
        read += outcome.read;
        if shows {
            outcome.trace.iter().for_each(|line| println!("{line}"));
            println!("seed {seed}: trace {:016x}, {} lines", outcome.trace_hash, outcome.trace_lines);
        }
        if !outcome.violations.is_empty() {
            failed += 1;
            report(&outcome, shows);
        }
        let done = seed + 1 - first;
        if done.is_multiple_of(LINE_SEEDS) || seed + 1 == end {
            let millis = began.elapsed().as_secs_f64() * 1000.0 / f64::from(u32::try_from(done).unwrap_or(u32::MAX));
            println!(
                "seeds {first}..{}: {failed} failed, {acknowledged} records acknowledged, {read} read, {millis:.1} ms a seed",
                seed + 1
            );
        }
    }
    failed
}

fn report(outcome: &Outcome, is_shown: bool) {
    if !is_shown {
        outcome.trace.iter().for_each(|line| println!("{line}"));
    }
    for violation in outcome.violations.iter().take(VIOLATIONS_MAX) {
        println!("seed {}: {violation}", outcome.seed);
    }
    if let Some(more) = outcome.violations.len().checked_sub(VIOLATIONS_MAX + 1) {
        println!("seed {}: and {} more", outcome.seed, more + 1);
    }
}
