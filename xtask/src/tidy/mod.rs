//! `cargo xtask tidy`: the rules of the workspace that a compiler does not hold.
//!
//! Reads sources and `cargo metadata`; writes nothing but under `target/`.

use std::process::Command;

use crate::{codegen, root};

pub(crate) mod documents;
mod functions;
mod mask;
mod published;
mod sources;
mod walls;

/// Collects broken rules, so that one run shows them all.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Vec<String>);

impl Complaints {
    pub(crate) fn add(&mut self, text: impl Into<String>) {
        self.0.push(text.into());
    }
}

/// Runs every rule.
///
/// # Errors
/// All complaints, one a line.
pub(crate) fn run() -> Result<(), String> {
    let mut complaints = Complaints::default();
    walls::check(&mut complaints)?;
    published::check(&mut complaints)?;
    sources::check(&mut complaints)?;
    documents::check(&mut complaints)?;
    if let Err(message) = codegen::run(&["--check"]) {
        complaints.add(message);
    }
    check_format(&mut complaints)?;
    if complaints.0.is_empty() {
        println!("tidy: nothing to complain about");
        return Ok(());
    }
    Err(format!("{}\ntidy: {} complaints", complaints.0.join("\n"), complaints.0.len()))
}

fn check_format(complaints: &mut Complaints) -> Result<(), String> {
    let output = Command::new("cargo")
        .args(["fmt", "--all", "--", "--check", "-l"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo fmt does not start: {error}"))?;
    if !output.status.success() {
        let files = String::from_utf8_lossy(&output.stdout);
        complaints.add(format!("cargo fmt would change:\n{}", files.trim_end()));
    }
    Ok(())
}
