//! Bit flips and truncations: in journals, segments, their footers, the manifest, the catalog and the root key. Damage must be
//! detected (the server refuses to start and names the file, or reading what is damaged is an error) or harmless (everything
//! is intact). Nothing wrong is ever served.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::{JoinSet, spawn_blocking};

use crate::random::Random;
use crate::report::{Options, Report};

mod base;
mod damage;
mod files;
mod verdict;

use base::Base;
use damage::Class;
use verdict::Verdict;

/// Trials on copies of one directory.
const TRIALS_PER_BASE: u64 = 125;
const TRIALS_AT_ONCE: usize = 2;
/// Failures that a run collects before it gives up.
const FAILURES_MAX: usize = 20;

type Outcome = Result<(Class, Verdict), String>;

pub(crate) async fn run(options: &Options) -> Result<Report, String> {
    let mut verdicts: BTreeMap<(Class, Verdict), u64> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut done = 0;
    while done < options.count && failures.len() < FAILURES_MAX {
        let base = Arc::new(Base::make(options.seed + done).await?);
        let trials = TRIALS_PER_BASE.min(options.count - done);
        let mut running: JoinSet<Outcome> = JoinSet::new();
        for trial in 0..trials {
            if running.len() >= TRIALS_AT_ONCE {
                collect(&mut running, &mut verdicts, &mut failures).await;
            }
            running.spawn(run_trial(Arc::clone(&base), options.seed + done + trial));
        }
        while !running.is_empty() {
            collect(&mut running, &mut verdicts, &mut failures).await;
        }
        done += trials;
        println!("{done} of {} trials, {} failures", options.count, failures.len());
    }
    for ((class, verdict), count) in &verdicts {
        println!("{class:?}: {count} {verdict:?}");
    }
    let text = summary(&verdicts);
    if failures.is_empty() {
        return Ok(Report::passed(options.count, format!("0 wrong bytes served, 0 lost in silence: {text}")));
    }
    Err(format!("{} of {done} trials failed; the others: {text}", failures.len()))
}

async fn collect(
    running: &mut JoinSet<Outcome>,
    verdicts: &mut BTreeMap<(Class, Verdict), u64>,
    failures: &mut Vec<String>,
) {
    let Some(outcome) = running.join_next().await else { return };
    match outcome.expect("no trial panics") {
        Ok(key) => *verdicts.entry(key).or_default() += 1,
        Err(message) => {
            println!("FAILED {message}");
            failures.push(message);
        }
    }
}

async fn run_trial(base: Arc<Base>, seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    let damage = damage::choose(&base.targets, &mut random);
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let dir = folder.path().join("data");
    let copied = {
        let (base, damage, dir) = (Arc::clone(&base), damage.clone(), dir.clone());
        spawn_blocking(move || base.copy_to(&dir).and_then(|()| damage.apply(&dir))).await
    };
    copied.expect("copying does not panic").map_err(|error| format!("seed {seed}: no copy: {error}"))?;
    match verdict::judge(&base, &damage, &dir, &mut random).await {
        Ok(verdict) => Ok((damage.class, verdict)),
        Err(message) => Err(format!("seed {seed}, {damage}: {message}")),
    }
}

fn summary(verdicts: &BTreeMap<(Class, Verdict), u64>) -> String {
    let count = |wanted: Verdict| -> u64 {
        verdicts.iter().filter(|((_, verdict), _)| *verdict == wanted).map(|(_, count)| count).sum()
    };
    format!(
        "{} refused with the name of the file, {} errors on reading, {} harmless, {} in the last window of a killed run",
        count(Verdict::Refused),
        count(Verdict::ReadFailed),
        count(Verdict::Harmless),
        count(Verdict::LastWindow)
    )
}
