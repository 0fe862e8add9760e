//! Packages that are published stay so: a registry takes what the workspace builds.
//!
//! The lock file is left out of the trial, so that it needs neither a registry nor a library that is not built yet.

use std::process::Command;

use serde_json::Value;

use super::{Complaints, walls};
use crate::root;

pub(super) fn check(complaints: &mut Complaints) -> Result<(), String> {
    let metadata = walls::metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let published: Vec<&str> = packages.iter().filter(|package| is_published(package)).filter_map(name).collect();
    for package in packages.iter().filter(|package| is_published(package)) {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let is_ours = dependency["path"].is_string() && dependency["kind"].as_str() != Some("dev");
            if let (Some(package), Some(target)) = (name(package), name(dependency).filter(|_| is_ours))
                && !published.contains(&target)
            {
                complaints.add(format!("{package} is published and needs {target}, which is not"));
            }
        }
    }
    if let Err(message) = pack(&published) {
        complaints.add(message);
    }
    Ok(())
}

/// Packs under `target/package`, and builds nothing.
fn pack(packages: &[&str]) -> Result<(), String> {
    let output = Command::new("cargo")
        .args(["package", "--quiet", "--no-verify", "--allow-dirty", "--exclude-lockfile", "--offline"])
        .args(packages.iter().flat_map(|package| ["--package", *package]))
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo package does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("cargo package: {}", String::from_utf8_lossy(&output.stderr).trim_end()))
}

/// `publish = false` is an empty list of registries.
fn is_published(package: &Value) -> bool {
    package["publish"].is_null()
}

fn name(entry: &Value) -> Option<&str> {
    entry["name"].as_str()
}
