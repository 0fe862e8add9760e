//! Measures a server: `bench --server BINARY [--runs N] [--seconds N] [--write FILE] [ROW]...`.
//!
//! Every row starts a fresh server with limits off, and measures the machine's own floor in the same run. Bodies
//! are signed before the clock starts. CPU time is what the scheduler gave to the server's threads.
//! `bench peers` runs this server side by side with others.

use std::path::PathBuf;
use std::process::ExitCode;

mod api;
mod connection;
mod floor;
mod load;
mod machine;
mod peers;
mod plan;
mod process;
mod report;
mod request;
mod rows;
mod server;

const HELP: &str = "usage: bench --server BINARY [--runs N] [--seconds N] [--data FOLDER] [--write FILE] [ROW]...
rows: ";

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub binary: PathBuf,
    /// Folder under which each server gets its data directory; on the disk to measure.
    pub data: PathBuf,
    /// Runs of which the median counts.
    pub runs: usize,
    /// Length of one run under load.
    pub seconds: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == floor::HTTP_SERVER => floor::serve(rest),
        Some((first, rest)) if first == peers::COMMAND => peers::main(rest),
        _ => measure(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Result<(), String> {
    let mut options = Options { binary: PathBuf::new(), data: "target/bench".into(), runs: 3, seconds: 5 };
    let (mut write, mut names) = (None, Vec::new());
    let help = || format!("{HELP}{}", rows::ALL.iter().map(|row| row.name).collect::<Vec<_>>().join(", "));
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(help);
        match argument.as_str() {
            "--server" => options.binary = value()?.into(),
            "--data" => options.data = value()?.into(),
            "--runs" => options.runs = value()?.parse().map_err(|_| help())?,
            "--seconds" => options.seconds = value()?.parse().map_err(|_| help())?,
            "--write" => write = Some(PathBuf::from(value()?)),
            name if rows::ALL.iter().any(|row| row.name == name) => names.push(name.to_owned()),
            _ => return Err(help()),
        }
    }
    if !options.binary.is_file() || options.runs == 0 || options.seconds == 0 {
        return Err(help());
    }
    std::fs::create_dir_all(&options.data).map_err(|error| format!("{}: {error}", options.data.display()))?;
    let mut report = report::Report::new(&options);
    println!("{}", report.head());
    for row in rows::ALL.iter().filter(|row| names.is_empty() || names.iter().any(|name| name == row.name)) {
        println!("\n## {}", row.name);
        let figures = (row.measure)(&options).map_err(|message| format!("{}: {message}", row.name))?;
        report.add(row, figures);
    }
    println!("\n{}", report.table());
    report.save_json(&options.data.join("results.json"))?;
    match write {
        Some(path) => report.save_markdown(&path),
        None => Ok(()),
    }
}
