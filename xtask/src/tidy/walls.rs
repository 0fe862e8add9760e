//! What may depend on what: the walls of the house, read from `cargo metadata`.
//!
//! A new edge is a design change: write a decision record, then add it here.

use std::process::Command;

use serde_json::Value;

use super::Complaints;
use crate::root;

/// For each crate of the workspace, the crates of the workspace that its product code may use.
const EDGES: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("api", &["base"]),
    ("wire", &["base"]),
    ("store", &["base"]),
    ("store-local", &["base", "store"]),
    ("auth", &["base", "api", "store"]),
    ("streams", &["base", "api", "store"]),
    ("tables", &["base", "api", "store"]),
    ("monitor", &["base", "api", "store"]),
    ("gateway", &["base", "api", "wire"]),
    (
        "node",
        &["base", "api", "wire", "store", "store-local", "auth", "streams", "tables", "monitor", "client", "gateway"],
    ),
    ("client", &["base", "api", "wire"]),
    ("agent", &["base", "api"]),
    ("cli", &["base", "api", "client", "node", "agent"]),
    ("testkit", &["base"]),
    ("bench", &["base", "client", "wire"]),
    ("conformance-rust", &["base", "api", "client", "testkit"]),
    ("proof", &["base", "api", "client", "testkit"]),
    ("xtask", &[]),
];

/// What tests may use beyond the table: the test kit, and the rooms below the one under test.
const TEST_EDGES: &[(&str, &[&str])] = &[
    ("wire", &["api"]),
    ("streams", &["store-local", "wire"]),
    ("tables", &["wire"]),
    ("monitor", &["streams"]),
    ("gateway", &["store", "streams", "auth"]),
    ("client", &["store", "streams", "auth", "gateway", "node"]),
];

/// Libraries that only the named crates may use.
const KEPT_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["store-local"]),
    ("object_store", &["store-local"]),
    ("hyper", &["gateway", "client", "bench"]),
    ("hyper-util", &["gateway", "client", "bench"]),
    ("clap", &["cli"]),
    ("aws-sdk-kinesis", &["conformance-rust"]),
    ("fuser", &["proof"]),
];

pub(super) fn check(complaints: &mut Complaints) -> Result<(), String> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let members: Vec<&str> = packages.iter().filter_map(room).collect();
    for package in packages {
        let name = room(package).unwrap_or_default();
        let Some(allowed) = find(EDGES, name) else {
            complaints.add(format!("{name}: not in the table of walls (xtask/src/tidy/walls.rs)"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let target = room(dependency).unwrap_or_default();
            let for_tests = dependency["kind"].as_str() == Some("dev");
            if members.contains(&target) {
                let fine = allowed.contains(&target)
                    || (for_tests && (target == "testkit" || find(TEST_EDGES, name).unwrap_or(&[]).contains(&target)));
                if !fine {
                    complaints.add(format!("{name} may not depend on {target}"));
                }
            } else if !for_tests && find(KEPT_IN, target).is_some_and(|rooms| !rooms.contains(&name)) {
                complaints.add(format!("{name} may not use the library {target}"));
            }
        }
    }
    for (name, _) in EDGES {
        if !members.contains(name) {
            complaints.add(format!("the table of walls names {name}, which does not exist"));
        }
    }
    Ok(())
}

/// Names of the workspace's crates, as the tables have them.
pub(super) fn members() -> Result<Vec<String>, String> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    Ok(packages.iter().filter_map(room).map(str::to_owned).collect())
}

/// Name of a package, or of one that is depended on, without the prefix that published packages have.
fn room(entry: &Value) -> Option<&str> {
    entry["name"].as_str().map(|name| name.strip_prefix("anabranch-").unwrap_or(name))
}

pub(super) fn metadata() -> Result<Value, String> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo metadata does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

fn find(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    table.iter().find(|(key, _)| *key == name).map(|(_, values)| *values)
}
