//! `cargo xtask fuzz`: builds the targets of `fuzz/`, gives each its corpus again, and fuzzes them.
//!
//! How a target is built stands in `fuzz/.cargo/config.toml`.

use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::root;

mod target;

use target::{Outcome, Target};

const HELP: &str = "usage: cargo xtask fuzz [TARGET]... [--seconds N] [--corpus-only]

  TARGET         a file of fuzz/targets without its ending; all when none is named
  --seconds N    how long each target is fuzzed, 60 unless said otherwise
  --corpus-only  give each target its corpus and nothing else";

const SECONDS_DEFAULT: u64 = 60;

#[derive(Debug, PartialEq, Eq)]
struct Options {
    targets: Vec<String>,
    /// 0: the corpus only.
    seconds: u64,
}

impl Options {
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self { targets: Vec::new(), seconds: SECONDS_DEFAULT };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--seconds" => {
                    let seconds = arguments.next().and_then(|text| text.parse().ok());
                    options.seconds = seconds.ok_or(HELP)?;
                }
                "--corpus-only" => options.seconds = 0,
                name if !name.starts_with('-') => options.targets.push(name.to_owned()),
                _ => return Err(HELP.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Runs the targets, as many at once as there are processors, and prints a row for each.
///
/// # Errors
/// When a target cannot be built or has crashed.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let done = fuzz(&options.targets, options.seconds)?;
    if done.crashes.is_empty() { Ok(()) } else { Err(format!("inputs that crash:\n{}", done.crashes.join("\n"))) }
}

/// What a run has done.
#[derive(Debug, Default)]
pub(crate) struct Fuzzed {
    pub targets: usize,
    pub executions: u64,
    /// Files with inputs that crash.
    pub crashes: Vec<String>,
}

/// Gives each of the named targets its corpus, all targets if none is named, and fuzzes it for so many seconds.
///
/// # Errors
/// When there is no such target, or it cannot be built.
pub(crate) fn fuzz(targets: &[String], seconds: u64) -> Result<Fuzzed, String> {
    let all = names()?;
    if let Some(unknown) = targets.iter().find(|name| !all.contains(name)) {
        return Err(format!("there is no target {unknown}; there are {}", all.join(", ")));
    }
    let wanted = if targets.is_empty() { &all } else { targets };
    build(wanted)?;
    let mut done = Fuzzed { targets: wanted.len(), ..Fuzzed::default() };
    println!("{:<16} {:>12} {:>7} {:>7} {:>9}", "target", "executions", "crashes", "corpus", "bytes");
    let host = host()?;
    let queue = Mutex::new(wanted.iter());
    let work = || {
        let mut outcomes = Vec::new();
        while let Some(name) = next(&queue) {
            outcomes.push(fuzz_one(&host, name, seconds));
        }
        outcomes
    };
    // A target keeps one processor busy.
    let at_once = thread::available_parallelism().map_or(1, NonZero::get).min(wanted.len());
    let outcomes: Vec<Result<Outcome, String>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("fuzzing does not panic")).collect()
    });
    for outcome in outcomes {
        let Outcome { executions, crashes } = outcome?;
        done.executions += executions;
        done.crashes.extend(crashes);
    }
    Ok(done)
}

fn next<'a>(queue: &Mutex<std::slice::Iter<'a, String>>) -> Option<&'a String> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// Runs a target and prints its row.
fn fuzz_one(host: &str, name: &str, seconds: u64) -> Result<Outcome, String> {
    let target = Target::new(&folder(), host, name);
    let outcome = target.run(seconds)?;
    let (inputs, bytes) = target.corpus()?;
    println!("{name:<16} {:>12} {:>7} {inputs:>7} {bytes:>9}", outcome.executions, outcome.crashes.len());
    Ok(outcome)
}

fn folder() -> PathBuf {
    root().join("fuzz")
}

/// The triple of this machine, for which the targets are built.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").current_dir(folder()).output();
    let output = output.map_err(|error| format!("rustc does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not name its host".to_owned())
}

/// Names of all targets, in order.
fn names() -> Result<Vec<String>, String> {
    let targets = folder().join("targets");
    let unreadable = |error| format!("{}: {error}", targets.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&targets).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().into_string().unwrap_or_default();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn build(targets: &[String]) -> Result<(), String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked"]).current_dir(folder());
    for target in targets {
        cargo.args(["--bin", target]);
    }
    // They would take the place of the flags that targets need.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(variable);
    }
    // A target directory that was asked for holds other builds.
    cargo.env_remove("CARGO_TARGET_DIR");
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the targets cannot be built: {status}")),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Option<(Vec<String>, u64)> {
        Options::parse(arguments).ok().map(|options| (options.targets, options.seconds))
    }

    #[test]
    fn options_are_understood() {
        assert_eq!(parsed(&[]), Some((vec![], 60)));
        assert_eq!(parsed(&["rows", "--seconds", "5"]), Some((vec!["rows".to_owned()], 5)));
        assert_eq!(parsed(&["--corpus-only"]), Some((vec![], 0)));
        for wrong in [&["--seconds"][..], &["--seconds", "x"], &["--fast"]] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn every_target_is_built_and_has_a_corpus() {
        let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("the manifest of the targets");
        for name in names().expect("targets") {
            assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
            let (inputs, _) = Target::new(&folder(), "", &name).corpus().expect("a corpus");
            assert!(inputs > 0, "{name}");
        }
    }
}
