//! `cargo xtask bench`: builds the server and the load generator as they ship and runs the generator.

use std::path::PathBuf;
use std::process::Command;

use crate::root;

mod install;
mod peers;

/// Passes `arguments` on to the generator; `peers` first sets up the servers to compare with.
///
/// # Errors
/// When a build or the run fails.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    // One after the other, so that the server has the features that it ships with and no more.
    cargo(&["build", "--release", "--package", "cli"])?;
    cargo(&["build", "--release", "--package", "bench"])?;
    match arguments.split_first() {
        Some((&"peers", rest)) => peers::run(rest),
        _ => finish(Command::new(built("bench")).arg("--server").arg(built("anabranch")).args(arguments)),
    }
}

fn built(program: &str) -> PathBuf {
    root().join("target/release").join(program)
}

/// Runs the generator in the workspace.
fn finish(generator: &mut Command) -> Result<(), String> {
    let status = generator.current_dir(root()).status().map_err(|error| format!("bench does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("bench: {status}")) }
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("cargo").args(arguments).current_dir(root()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo {}: {status}", arguments.join(" "))),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}
