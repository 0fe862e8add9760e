//! `cargo xtask sim`: lives simulated lives. See docs/adr/0006-simulation.md.

use std::env;
use std::process::{Command, Stdio};

use crate::root;

/// What the simulation needs of the runtime; in its folder cargo finds the same in a configuration file.
const FLAGS: &str = "--cfg tokio_unstable";

/// Hands its arguments to the simulation.
///
/// # Errors
/// When it cannot be built, or a life has broken a promise.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--"]).args(arguments);
    if let Ok(flags) = env::var("RUSTFLAGS") {
        // The variable would take the place of the file.
        command.env("RUSTFLAGS", format!("{flags} {FLAGS}"));
    }
    let status = command.current_dir(root().join("sim")).stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("sim: {status}")) }
}
