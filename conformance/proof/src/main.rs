//! Proves on the real binary that nothing acknowledged is ever lost: `proof ROW [--long] [--count N] [--seed S]`.
//!
//! `cargo xtask proof` builds the server and this program and keeps the results in docs/proof.md. The binary is named by
//! `ANABRANCH_BINARY`. The last line that is printed is the result in JSON.

use std::process::ExitCode;

mod client;
mod device;
mod faulty;
mod flips;
mod fsync;
mod full;
mod hostile;
mod judge;
mod kill;
mod load;
mod nth_io;
mod power;
mod privilege;
mod random;
mod report;
mod server;
mod slow;

use report::{Options, Report};

const HELP: &str = "usage: proof ROW [--long] [--count N] [--seed S]";

/// A row of docs/proof.md.
struct Row {
    name: &'static str,
    /// Trials for a change, and for a release.
    short: u64,
    long: u64,
    mounts: bool,
}

const ROWS: &[Row] = &[
    Row { name: "kill", short: 30, long: 2_000, mounts: false },
    Row { name: "power", short: 50, long: 2_000, mounts: true },
    Row { name: "flips", short: 500, long: 10_000, mounts: false },
    // Scripts, each with as many trials as it makes calls.
    Row { name: "nth-io", short: 1, long: 4, mounts: true },
    Row { name: "full", short: 5, long: 200, mounts: true },
    Row { name: "fsync", short: 20, long: 500, mounts: true },
    Row { name: "slow", short: 3, long: 100, mounts: true },
    // Passes of about 50 s.
    Row { name: "hostile", short: 1, long: 18, mounts: false },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((row, options)) = parse(&arguments) else {
        eprintln!("{HELP}\nrows: {}", ROWS.iter().map(|row| row.name).collect::<Vec<_>>().join(", "));
        return ExitCode::from(2);
    };
    let missing = privilege::missing().filter(|_| row.mounts);
    if missing.is_none()
        && row.mounts
        && let Some(code) = privilege::move_apart()
    {
        return code;
    }
    let outcome = match missing {
        Some(reason) => Ok(Report::Skipped { reason: format!("skipped: {reason}") }),
        None => {
            let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
            runtime.block_on(async {
                tokio::select! {
                    outcome = run(row.name, &options) => outcome,
                    _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
                }
            })
        }
    };
    println!("{}", report::line(row.name, &options, &outcome));
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(row: &str, options: &Options) -> Result<Report, String> {
    match row {
        "kill" => kill::run(options).await,
        "power" => power::run(options).await,
        "flips" => flips::run(options).await,
        "nth-io" => nth_io::run(options).await,
        "full" => full::run(options).await,
        "fsync" => fsync::run(options).await,
        "slow" => slow::run(options).await,
        "hostile" => hostile::run(options).await,
        _ => unreachable!("{row} is in the list of rows, and has no program"),
    }
}

fn parse(arguments: &[&str]) -> Option<(&'static Row, Options)> {
    let (name, rest) = arguments.split_first()?;
    let row = ROWS.iter().find(|row| row.name == *name)?;
    let mut options = Options { seed: 1, count: row.short };
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--long" => options.count = row.long,
            "--count" => options.count = rest.next()?.parse().ok().filter(|count| *count > 0)?,
            "--seed" => options.seed = rest.next()?.parse().ok()?,
            _ => return None,
        }
    }
    Some((row, options))
}
