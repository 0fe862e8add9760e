//! `cargo xtask proof`: builds the server as it ships, runs rows of the proof against it, and keeps their results in docs/proof.md.
//!
//! A row is a run of `conformance/proof`. What a row needs and this machine lacks is said in a line of its own; such a row
//! has neither passed nor failed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::root;
use crate::test::Tally;
use crate::test::process::cargo;

mod table;

const HELP: &str = "usage: cargo xtask proof [ROW]... [--long | --count N] [--seed S] [--write FILE]

  ROW           one of: sim, kill, power, flips, nth-io, full, fsync, slow, hostile, fuzz; all of them unless named
  --long        as many trials as a release wants, instead of as many as a change wants
  --count N     so many trials of each row; seconds a target for fuzz
  --seed S      the first seed, 1 unless given; trial n has seed S + n
  --write FILE  put date, seeds, count, command and result of each row that ran into the table of FILE";

/// In the order of docs/proof.md.
const ROWS: &[&str] = &["sim", "kill", "power", "flips", "nth-io", "full", "fsync", "slow", "hostile", "fuzz"];

/// Seeds that are simulated for a change, and for a release.
const SIM_SEEDS: (u64, u64) = (500, 100_000);
/// Seconds that each target is fuzzed behind its corpus.
const FUZZ_SECONDS: (u64, u64) = (0, 600);

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    rows: Vec<String>,
    amount: Amount,
    write: Option<String>,
}

/// How much is tried.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Amount {
    long: bool,
    count: Option<u64>,
    seed: Option<u64>,
}

impl Amount {
    fn first_seed(self) -> u64 {
        self.seed.unwrap_or(1)
    }

    fn trials(self, (short, long): (u64, u64)) -> u64 {
        self.count.unwrap_or(if self.long { long } else { short })
    }

    fn arguments(self) -> Vec<String> {
        let mut arguments = Vec::new();
        if self.long {
            arguments.push("--long".to_owned());
        }
        for (name, number) in [("--count", self.count), ("--seed", self.seed)] {
            arguments.extend(number.into_iter().flat_map(|number| [name.to_owned(), number.to_string()]));
        }
        arguments
    }
}

impl Options {
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().copied().ok_or(HELP);
            match *argument {
                "--long" => options.amount.long = true,
                "--count" => options.amount.count = Some(value()?.parse().map_err(|_| HELP)?),
                "--seed" => options.amount.seed = Some(value()?.parse().map_err(|_| HELP)?),
                "--write" => options.write = Some(value()?.to_owned()),
                row if ROWS.contains(&row) => options.rows.push(row.to_owned()),
                _ => return Err(HELP.to_owned()),
            }
        }
        if options.rows.is_empty() {
            options.rows = ROWS.iter().map(|row| (*row).to_owned()).collect();
        }
        if options.amount.long && options.amount.count.is_some() { Err(HELP.to_owned()) } else { Ok(options) }
    }

    /// The command that repeats one row.
    fn command(&self, row: &str) -> String {
        let words = ["cargo", "xtask", "proof", row].map(str::to_owned);
        words.into_iter().chain(self.amount.arguments()).collect::<Vec<_>>().join(" ")
    }

    /// Whether any row runs the server as it ships.
    fn wants_server(&self) -> bool {
        self.rows.iter().any(|row| !matches!(row.as_str(), "sim" | "fuzz"))
    }
}

/// How a row ended.
struct Outcome {
    state: String,
    seed: u64,
    count: u64,
    text: String,
}

/// Runs the rows and prints how each ended.
///
/// # Errors
/// When a row has failed, or could not be run.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let Tally { passed, failed } = prove(&Options::parse(arguments)?)?;
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} rows failed", passed + failed)) }
}

/// All rows, as many trials as a change wants.
///
/// # Errors
/// When a row could not be run.
pub(crate) fn short() -> Result<Tally, String> {
    prove(&Options::parse(&[])?)
}

/// Rows that passed and failed; those that this machine cannot run are neither.
fn prove(options: &Options) -> Result<Tally, String> {
    if options.wants_server() {
        // One after the other, so that the server has the features that it ships with and no more.
        cargo(&["build", "--release", "--package", "cli"])?;
        cargo(&["build", "--release", "--package", "proof"])?;
    }
    let mut lines = Vec::new();
    let mut tally = Tally::default();
    for row in &options.rows {
        println!("\n== {row}");
        let outcome = match row.as_str() {
            "sim" => simulate(options.amount)?,
            "fuzz" => fuzz(options.amount)?,
            row => run_program(row, &options.amount.arguments())?,
        };
        lines.push(format!("{row:<8} {}: {}", outcome.state.to_uppercase(), outcome.text));
        tally.failed += usize::from(outcome.state == "failed");
        tally.passed += usize::from(outcome.state == "passed");
        if let Some(file) = options.write.as_ref().filter(|_| outcome.state != "skipped") {
            write_row(&root().join(file), row, &options.command(row), &outcome)?;
        }
    }
    println!("\n{}", lines.join("\n"));
    Ok(tally)
}

fn simulate(amount: Amount) -> Result<Outcome, String> {
    let (seed, count) = (amount.first_seed(), amount.trials(SIM_SEEDS));
    let (state, text) = match crate::sim::live(seed, count)? {
        Ok(text) => ("passed", text),
        Err(text) => ("failed", text),
    };
    Ok(Outcome { state: state.to_owned(), seed, count, text })
}

fn fuzz(amount: Amount) -> Result<Outcome, String> {
    let seconds = amount.trials(FUZZ_SECONDS);
    let done = crate::fuzz::fuzz(&[], seconds)?;
    let state = if done.crashes.is_empty() { "passed" } else { "failed" };
    let (targets, executions, crashes) = (done.targets, done.executions, done.crashes.len());
    let text = format!(
        "{crashes} crashes in {executions} executions of {targets} targets, {seconds} s each behind its corpus"
    );
    Ok(Outcome { state: state.to_owned(), seed: amount.first_seed(), count: seconds, text })
}

/// Runs the program, shows what it prints, and reads its last line.
fn run_program(row: &str, passed_on: &[String]) -> Result<Outcome, String> {
    let target = root().join("target/release");
    let mut child = Command::new(target.join("proof"))
        .arg(row)
        .args(passed_on)
        .env("ANABRANCH_BINARY", target.join("anabranch"))
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("proof does not start: {error}"))?;
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().expect("stdout is piped")).lines() {
        let line = line.map_err(|error| format!("proof: {error}"))?;
        if !line.starts_with('{') {
            println!("{line}");
        }
        last = line;
    }
    let status = child.wait().map_err(|error| format!("proof: {error}"))?;
    parse_outcome(&last).ok_or_else(|| format!("proof {row} ended with {status} and no result"))
}

fn parse_outcome(line: &str) -> Option<Outcome> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(Outcome {
        state: value["state"].as_str()?.to_owned(),
        seed: value["seed"].as_u64()?,
        count: value["count"].as_u64()?,
        text: value["text"].as_str()?.to_owned(),
    })
}

fn write_row(file: &Path, row: &str, command: &str, outcome: &Outcome) -> Result<(), String> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let seeds = format!("{} to {}", outcome.seed, outcome.seed + outcome.count.max(1) - 1);
    let first_line = outcome.text.lines().next().unwrap_or_default();
    let result = format!("{}: {first_line}", outcome.state);
    let cells = [today()?, seeds, outcome.count.to_string(), format!("`{command}`"), result];
    let text = table::replace(&text, row, &cells).ok_or_else(|| format!("{name} has no row {row}"))?;
    fs::write(file, text).map_err(|error| format!("{name}: {error}"))
}

fn today() -> Result<String, String> {
    let output = Command::new("date").args(["-u", "+%F"]).output().map_err(|error| format!("date: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_handed_on_and_make_the_command() {
        let options =
            Options::parse(&["power", "--count", "7", "--seed", "3", "--write", "docs/proof.md"]).expect("good");
        assert_eq!(options.command("power"), "cargo xtask proof power --count 7 --seed 3");
        assert_eq!(options.write.as_deref(), Some("docs/proof.md"));
        assert_eq!(Options::parse(&["--long"]).expect("good").rows, ROWS);
        for bad in [&["fire"][..], &["--count"], &["--count", "x"], &["--long", "--count", "3"]] {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_last_line_is_the_result() {
        let outcome = parse_outcome(r#"{"count":2,"row":"kill","seed":1,"state":"passed","text":"0 lost"}"#);
        let outcome = outcome.expect("a result");
        assert_eq!((outcome.state.as_str(), outcome.seed, outcome.count), ("passed", 1, 2));
        assert!(parse_outcome("thread main panicked").is_none());
    }
}
