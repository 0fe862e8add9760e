//! Length of files and functions, and words that may not stay in the sources.

use std::fs;
use std::path::{Path, PathBuf};

use super::Complaints;
use super::functions::{functions, line_of, test_code};
use super::mask::mask;
use crate::root;

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;
const ROOMS: &[&str] = &["crates", "bench", "conformance", "xtask"];
const FOLDERS_PASSED: &[&str] = &["target", "node_modules", ".venv", "__pycache__"];
/// How files begin that `cargo xtask codegen` writes; its drift check holds them instead.
const GENERATED: &str = "// @generated";

/// Macros that are never called in Rust code.
const BANNED_MACROS: &[&str] = &["todo", "unimplemented", "dbg"];
/// Attributes that are never set in Rust code.
const BANNED_ATTRIBUTES: &[&str] = &["ignore"];
/// Never in Rust code that ships.
const BANNED_IN_PRODUCT: &[&str] = &[".unwrap()"];

pub(super) fn check(complaints: &mut Complaints) -> Result<(), String> {
    let mut files = Vec::new();
    for room in ROOMS {
        collect(&root().join(room), &mut files)?;
    }
    files.sort();
    for file in files {
        let name = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        let source = fs::read_to_string(&file).map_err(|error| format!("{name}: {error}"))?;
        if source.starts_with(GENERATED) {
            continue;
        }
        let lines = source.lines().count();
        if lines > FILE_LINES_MAX {
            complaints.add(format!("{name}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        if name.ends_with(".rs") {
            check_rust(&name, &source, complaints);
        }
    }
    Ok(())
}

fn check_rust(name: &str, source: &str, complaints: &mut Complaints) {
    let masked = mask(source);
    for function in functions(&masked) {
        if function.length > FUNCTION_LINES_MAX {
            complaints.add(format!(
                "{name}:{}: fn {} has {} lines, at most {FUNCTION_LINES_MAX}",
                function.line, function.name, function.length
            ));
        }
    }
    let macros = BANNED_MACROS.iter().map(|name| format!("{name}!("));
    let attributes = BANNED_ATTRIBUTES.iter().map(|name| format!("#[{name}"));
    for word in macros.chain(attributes) {
        for (at, _) in masked.match_indices(&word) {
            complaints.add(format!("{name}:{}: {word}", line_of(&masked, at)));
        }
    }
    if !is_product(name) {
        return;
    }
    let tests = test_code(&masked);
    for word in BANNED_IN_PRODUCT {
        for (at, _) in masked.match_indices(word).filter(|(at, _)| !tests.iter().any(|range| range.contains(at))) {
            complaints.add(format!("{name}:{}: {word} in product code", line_of(&masked, at)));
        }
    }
}

fn is_product(name: &str) -> bool {
    let test_file = name.contains("/tests/") || name.ends_with("/tests.rs") || name.ends_with("_tests.rs");
    name.starts_with("crates/") && !name.starts_with("crates/testkit/") && !test_file
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !FOLDERS_PASSED.contains(&name) {
                collect(&path, files)?;
            }
        } else if [".rs", ".py", ".mjs", ".js"].iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(())
}
