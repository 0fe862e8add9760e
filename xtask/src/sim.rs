//! `cargo xtask sim`: lives simulated lives. See docs/adr/0006-simulation.md.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::root;

/// What the simulation needs of the runtime; in its folder cargo finds the same in a configuration file.
const FLAGS: &str = "--cfg tokio_unstable";

/// Hands its arguments to the simulation.
///
/// # Errors
/// When it cannot be built, or a life has broken a promise.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let status = command(arguments).status().map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("sim: {status}")) }
}

/// Lives `count` lives from `first` on, and answers the last line that the simulation prints: `Err` when a promise was broken.
///
/// # Errors
/// When it cannot be run.
pub(crate) fn live(first: u64, count: u64) -> Result<Result<String, String>, String> {
    let seeds = format!("{first}..{}", first.saturating_add(count));
    let mut child = command(&["--seeds", &seeds])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().expect("stdout is piped")).lines() {
        last = line.map_err(|error| format!("sim: {error}"))?;
        println!("{last}");
    }
    let status = child.wait().map_err(|error| format!("sim: {error}"))?;
    Ok(if status.success() { Ok(last) } else { Err(last) })
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--locked", "--"]).args(arguments);
    if let Ok(flags) = env::var("RUSTFLAGS") {
        // The variable would take the place of the file.
        command.env("RUSTFLAGS", format!("{flags} {FLAGS}"));
    }
    command.current_dir(root().join("sim")).stdin(Stdio::null());
    command
}
