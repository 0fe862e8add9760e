//! Documents that must agree with the workspace: the code map, the table of operations, the example of the Rust client.

use std::collections::BTreeSet;
use std::fs;

use super::{Complaints, walls};
use crate::{codegen, root};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
/// Made by `cargo xtask test --bless`.
pub(crate) const OPERATIONS: &str = "docs/operations.md";

const CLIENT_BOOK: &str = "docs/book/client.md";
/// Goes with the crate, and is compiled as its documentation.
const CLIENT_README: &str = "crates/client/README.md";

pub(super) fn check(complaints: &mut Complaints) -> Result<(), String> {
    check_code_map(complaints)?;
    check_client_example(complaints)?;
    let table = fs::read_to_string(root().join(OPERATIONS)).unwrap_or_default();
    for operation in operations()? {
        if !table.lines().any(|line| line.starts_with(&format!("| {operation} |"))) {
            complaints.add(format!("{OPERATIONS}: no row for {operation}"));
        }
    }
    Ok(())
}

/// Every crate stands in the code map, and the code map names nothing else.
fn check_code_map(complaints: &mut Complaints) -> Result<(), String> {
    let text = fs::read_to_string(root().join(ARCHITECTURE)).map_err(|error| format!("{ARCHITECTURE}: {error}"))?;
    let mapped: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(path, _)| path)).collect();
    for path in &mapped {
        if !root().join(path).is_dir() {
            complaints.add(format!("{ARCHITECTURE}: `{path}` does not exist"));
        }
    }
    for member in walls::members()? {
        let path = match member.as_str() {
            "bench" | "xtask" => member.clone(),
            "conformance-rust" => "conformance".to_owned(),
            "proof" => "conformance/proof".to_owned(),
            _ => format!("crates/{member}"),
        };
        if !mapped.contains(path.as_str()) {
            complaints.add(format!("{ARCHITECTURE}: the code map lacks `{path}`"));
        }
    }
    Ok(())
}

/// The book has the example that is compiled.
fn check_client_example(complaints: &mut Complaints) -> Result<(), String> {
    let read = |name: &str| fs::read_to_string(root().join(name)).map_err(|error| format!("{name}: {error}"));
    let (book, readme) = (read(CLIENT_BOOK)?, read(CLIENT_README)?);
    if rust_example(&readme).is_none() || rust_example(&book) != rust_example(&readme) {
        complaints.add(format!("{CLIENT_BOOK}: its example is not that of {CLIENT_README}"));
    }
    Ok(())
}

fn rust_example(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```rust,no_run\n")?;
    rest.split_once("```").map(|(example, _)| example)
}

/// Names of all operations of Kinesis Data Streams that the API has.
pub(crate) fn operations() -> Result<BTreeSet<String>, String> {
    codegen::operations("kinesis")
}
