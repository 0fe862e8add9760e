//! docs/operations.md: which operation was exercised by which client, made from what the suites recorded.
//!
//! Each suite leaves `<client>.json`: operation -> list of outcomes, `ok` or the type of a modelled error.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::root;
use crate::tidy::documents::{OPERATIONS, operations};

/// Name of a record and the column that it fills.
const CLIENTS: &[(&str, &str)] =
    &[("boto3", "boto3"), ("awscli", "AWS CLI"), ("javascript", "JavaScript v3"), ("rust", "Rust")];

const HEAD: &str = "# Operations

All operations of Kinesis Data Streams (2013-12-02), and the clients that exercised them with success in the conformance suites.
The last column lists the errors that the suites provoked and recognised by type; those that depend on the pace of calls
or on what the machine permits (InternalFailure, LimitExceeded, ProvisionedThroughputExceeded) are tested too, but not listed.

Written by `cargo xtask test --bless`; do not edit.
";

/// Errors that a suite may meet or not: it may be faster than a limit, and only some machines let it fill a disk.
const UNLISTED: &[&str] = &["InternalFailure", "LimitExceeded", "ProvisionedThroughputExceeded"];

type Recorded = BTreeMap<String, BTreeSet<String>>;

/// Where suites leave their records.
pub(super) fn folder() -> PathBuf {
    root().join("target/conformance/recorded")
}

/// Drops the records of earlier runs.
pub(super) fn forget() -> Result<(), String> {
    let folder = folder();
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Compares the committed table with this run, or writes it when `bless` is set.
pub(super) fn check(bless: bool) -> Result<(), String> {
    let mut records = Vec::new();
    for (file, column) in CLIENTS {
        let path = folder().join(format!("{file}.json"));
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let record: Recorded = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        records.push((*column, record));
    }
    let operations = operations()?;
    let table = render(&operations, &records);
    let path = root().join(OPERATIONS);
    if bless {
        fs::write(&path, &table).map_err(|error| format!("{OPERATIONS}: {error}"))?;
    }
    let silent: Vec<&str> = operations
        .iter()
        .filter(|operation| !records.iter().any(|(_, record)| succeeded(record, operation)))
        .map(String::as_str)
        .collect();
    if !silent.is_empty() {
        return Err(format!("no client succeeded with: {}", silent.join(", ")));
    }
    if fs::read_to_string(&path).unwrap_or_default() != table {
        return Err(format!("{OPERATIONS} differs from this run; `cargo xtask test --bless` writes it\n{table}"));
    }
    Ok(())
}

fn succeeded(record: &Recorded, operation: &str) -> bool {
    record.get(operation).is_some_and(|outcomes| outcomes.contains("ok"))
}

fn render(operations: &BTreeSet<String>, records: &[(&str, Recorded)]) -> String {
    let columns: Vec<&str> = records.iter().map(|(column, _)| *column).collect();
    let mut out = format!("{HEAD}\n| Operation | {} | Errors |\n", columns.join(" | "));
    out.push_str(&format!("| --- |{} --- |\n", " --- |".repeat(columns.len())));
    for operation in operations {
        let cells: Vec<&str> =
            records.iter().map(|(_, record)| if succeeded(record, operation) { "yes" } else { "" }).collect();
        let errors: BTreeSet<&str> = records
            .iter()
            .filter_map(|(_, record)| record.get(operation))
            .flatten()
            .map(|outcome| outcome.trim_end_matches("Exception"))
            .filter(|outcome| *outcome != "ok" && !UNLISTED.contains(outcome))
            .collect();
        let errors: Vec<&str> = errors.into_iter().collect();
        out.push_str(&format!("| {operation} | {} | {} |\n", cells.join(" | "), errors.join(", ")));
    }
    out
}
