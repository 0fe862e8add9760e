//! Runs other programs without a terminal and without input, and counts what they report.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::Tally;
use crate::root;

/// Runs cargo in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Result<(), String> {
    finish(Command::new("cargo").args(arguments).current_dir(root()), &format!("cargo {}", arguments.join(" ")))
}

/// Runs a program in `folder` and fails when it fails.
pub(super) fn run(program: impl AsRef<OsStr>, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let program = program.as_ref();
    let name = format!("{} {}", program.to_string_lossy(), arguments.join(" "));
    finish(Command::new(program).args(arguments).current_dir(folder), &name)
}

fn finish(command: &mut Command, name: &str) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("{name} does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}")) }
}

/// Runs a test program, shows its output and counts the results that it prints. Variables that would turn an
/// AWS client elsewhere are taken away.
pub(super) fn tested(
    program: impl AsRef<OsStr>,
    arguments: &[&str],
    environment: &[(&str, &OsStr)],
) -> Result<Tally, String> {
    let program = program.as_ref();
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("AWS_") || name.starts_with("ANABRANCH_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).envs(environment.iter().copied()).current_dir(root());
    command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", program.to_string_lossy()))?;
    let mut tally = Tally::default();
    let stdout = child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.map_err(|error| format!("{}: {error}", program.to_string_lossy()))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(found) = count(&line) {
            tally += found;
        }
    }
    let status = child.wait().map_err(|error| format!("{}: {error}", program.to_string_lossy()))?;
    if !status.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    if status.success() && tally.passed == 0 {
        return Err(format!("{} reported no results", program.to_string_lossy()));
    }
    Ok(tally)
}

/// Reads a summary line of cargo test, pytest, Node's test runner, or our own programs; or, as Go has no summary, the
/// line of one test.
fn count(line: &str) -> Option<Tally> {
    // Subtests are indented.
    if line.starts_with("--- PASS: ") || line.starts_with("--- FAIL: ") {
        return Some(Tally::one(line.starts_with("--- PASS: ")));
    }
    let line = line.trim();
    if let Some(passed) = line.strip_prefix("# pass ") {
        return Some(Tally { passed: passed.parse().ok()?, failed: 0 });
    }
    if let Some(failed) = line.strip_prefix("# fail ") {
        return Some(Tally { passed: 0, failed: failed.parse().ok()? });
    }
    let ours = line.starts_with("test result: ") || line.starts_with("conformance: ");
    let pytest = line.contains(" in ") && line.ends_with(['s', ')']) && line.starts_with(|c: char| c.is_ascii_digit());
    if !ours && !pytest {
        return None;
    }
    let words: Vec<&str> = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    let before = |names: &[&str]| {
        words.windows(2).filter(|pair| names.contains(&pair[1])).filter_map(|pair| pair[0].parse::<usize>().ok()).sum()
    };
    let tally = Tally { passed: before(&["passed"]), failed: before(&["failed", "error", "errors"]) };
    (tally != Tally::default()).then_some(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_counted() {
        for (line, passed, failed) in [
            ("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s", 12, 0),
            ("2 failed, 31 passed in 12.34s", 31, 2),
            ("31 passed, 1 error in 72.34s (0:01:12)", 31, 1),
            ("3 records passed in 2 seconds", 0, 0),
            ("# pass 9", 9, 0),
            ("# fail 1", 0, 1),
            ("conformance: 7 passed, 1 failed", 7, 1),
            ("--- PASS: TestErrors (0.01s)", 1, 0),
            ("    --- PASS: TestErrors/plain (0.01s)", 0, 0),
            ("--- FAIL: TestReshard (0.04s)", 0, 1),
        ] {
            assert_eq!(count(line).unwrap_or_default(), Tally { passed, failed }, "{line}");
        }
    }
}
