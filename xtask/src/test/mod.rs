//! `cargo xtask test`: everything that must hold before a change is handed in.
//!
//! Needs Rust, Python 3, Node with npm and a C compiler; with `--all` also a C++ compiler, Go, a JDK and Maven. Installs the
//! rest under `target/`. No terminal, no input.

use std::time::Instant;

use crate::tidy;

mod install;
pub(crate) mod process;
mod suites;
mod table;

const HELP: &str = "usage: cargo xtask test [--quick | --all] [--only NAME]... [--bless]

  --quick      without the conformance suites
  --all        also what installs much or runs for minutes: client, go, java, kcl, kclpy, flink, telegraf,
               proof
  --only NAME  one of: tidy, clippy, unit, boto3, awscli, javascript, rust, taxi, kill, tables, client, go,
               java, kcl, kclpy, flink, telegraf, proof
  --bless      write docs/operations.md from what the suites did";

/// Passed and failed checks of one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub passed: usize,
    pub failed: usize,
}

impl Tally {
    fn one(ok: bool) -> Self {
        Self { passed: usize::from(ok), failed: usize::from(!ok) }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

#[derive(Debug, Default)]
struct Options {
    quick: bool,
    all: bool,
    bless: bool,
    only: Vec<String>,
}

impl Options {
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--quick" => options.quick = true,
                "--all" => options.all = true,
                "--bless" => options.bless = true,
                "--only" => options.only.push((*arguments.next().ok_or(HELP)?).to_owned()),
                _ => return Err(HELP.to_owned()),
            }
        }
        let known = ["tidy", "clippy", "unit"];
        match options
            .only
            .iter()
            .find(|name| !known.contains(&name.as_str()) && !suites::NAMES.contains(&name.as_str()))
        {
            Some(_) => Err(HELP.to_owned()),
            None => Ok(options),
        }
    }

    fn wants(&self, name: &str) -> bool {
        if self.only.is_empty() {
            let skipped = self.quick && suites::NAMES.contains(&name) || !self.all && suites::HEAVY.contains(&name);
            return !skipped;
        }
        self.only.iter().any(|only| only == name)
    }
}

/// Runs the steps and prints the sum.
///
/// # Errors
/// When a check failed or a step could not be set up.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let mut total = Tally::default();
    let mut lines = Vec::new();
    let mut step = |name: &str, work: &mut dyn FnMut() -> Result<Tally, String>| {
        println!("\n== {name}");
        let started = Instant::now();
        let tally = work().unwrap_or_else(|message| {
            eprintln!("{message}");
            Tally::one(false)
        });
        total += tally;
        let seconds = started.elapsed().as_secs();
        lines.push(format!("{name:<12} {:>5} passed {:>3} failed {seconds:>5} s", tally.passed, tally.failed));
        tally.failed == 0
    };
    if options.wants("tidy") {
        step("tidy", &mut || tidy::run().map(|()| Tally::one(true)));
    }
    if options.wants("clippy") {
        step("clippy", &mut || {
            process::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
                .map(|()| Tally::one(true))
        });
    }
    if options.wants("unit") {
        step("unit", &mut || process::tested("cargo", &["test", "--workspace", "--no-fail-fast"], &[]));
    }
    let wanted: Vec<&str> = suites::NAMES.iter().copied().filter(|name| options.wants(name)).collect();
    if !wanted.is_empty() && step("build", &mut || suites::build().map(|()| Tally::one(true))) {
        table::forget()?;
        for name in &wanted {
            step(name, &mut || suites::run(name));
        }
        if suites::RECORDED.iter().all(|name| wanted.contains(name)) || options.bless {
            step("operations", &mut || table::check(options.bless).map(|()| Tally::one(true)));
        }
    }
    println!("\n{}\n{} passed, {} failed", lines.join("\n"), total.passed, total.failed);
    if total.failed == 0 { Ok(()) } else { Err("the tests failed".to_owned()) }
}
