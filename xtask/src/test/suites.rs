//! The conformance suites: foreign clients against the release binary.
//!
//! A suite starts servers of its own on free loopback ports, each with a data directory that goes away.

use std::env::join_paths;
use std::ffi::{OsStr, OsString};
use std::fs;

use super::install::{self, Python, folder, is_current, mark_current, maven};
use super::process::{cargo, run as run_program, tested};
use super::{Tally, table};
use crate::{proof, root};

/// Those whose calls docs/operations.md lists.
pub(super) const RECORDED: &[&str] = &["boto3", "awscli", "javascript", "rust", "taxi", "kill"];

/// Those that install much or run for minutes.
pub(super) const HEAVY: &[&str] = &["client", "go", "java", "kcl", "kclpy", "flink", "telegraf", "proof"];

/// All, in the order in which they run.
pub(super) const NAMES: &[&str] = &[
    "boto3",
    "awscli",
    "javascript",
    "rust",
    "taxi",
    "kill",
    "tables",
    "client",
    "go",
    "java",
    "kcl",
    "kclpy",
    "flink",
    "telegraf",
    "proof",
];

type Variables = Vec<(&'static str, OsString)>;

/// The server as it ships, and the Rust suites; these with the features of the whole workspace, so that the unit
/// tests have built most of it already.
pub(super) fn build() -> Result<(), String> {
    cargo(&["build", "--release", "--package", "cli"])?;
    cargo(&["build", "--workspace", "--bin", "conformance-rust"])
}

pub(super) fn run(name: &str) -> Result<Tally, String> {
    match name {
        "boto3" => python(Python::install()?, "sdk", Vec::new()),
        "awscli" => python(Python::install()?, "command_line", Vec::new()),
        "taxi" => python(Python::install()?, "taxi", Vec::new()),
        "tables" => python(Python::install()?, "tables", Vec::new()),
        "javascript" => javascript(),
        "rust" | "kill" | "client" => started(root().join("target/debug/conformance-rust"), &[name], Vec::new()),
        "go" => {
            install::go()?;
            started("go", &["-C", "conformance/go", "test", "-count=1", "-v", "./..."], Vec::new())
        }
        "java" => python(Python::install()?, "kcl/test_java_sdk.py", vec![kcl3()?]),
        "kcl" => {
            let older = maven("conformance/java/pom.xml", "kcl2", &["-Dkcl.version=2.7.2"])?;
            let newest = kcl3()?;
            let mut tally =
                python(Python::install()?, "kcl/test_kcl.py", vec![newest.clone(), ("ANABRANCH_KCL2", older.into())])?;
            tally += started(root().join("target/debug/conformance-rust"), &["client-kcl"], vec![newest])?;
            Ok(tally)
        }
        "kclpy" => python(Python::install()?.with_kclpy()?, "kcl/test_kclpy.py", Vec::new()),
        "flink" => {
            let job = maven("conformance/java/flink/pom.xml", "flink", &[])?;
            python(Python::install()?, "flink", vec![("ANABRANCH_FLINK", job.into())])
        }
        "telegraf" => {
            let program = install::telegraf()?;
            python(Python::install()?, "shippers/test_telegraf.py", vec![("ANABRANCH_TELEGRAF", program.into())])
        }
        "proof" => {
            install::cpp()?;
            proof::short()
        }
        _ => Err(format!("there is no suite {name}")),
    }
}

/// The Java programs with the newest consumer library.
fn kcl3() -> Result<(&'static str, OsString), String> {
    Ok(("ANABRANCH_KCL3", maven("conformance/java/pom.xml", "kcl3", &[])?.into()))
}

/// Runs a suite that learns from its environment where the server is and where it leaves what it did.
fn started(program: impl AsRef<OsStr>, arguments: &[&str], mut variables: Variables) -> Result<Tally, String> {
    variables.push(("ANABRANCH_BINARY", root().join("target/release/anabranch").into()));
    variables.push(("ANABRANCH_RECORDED", table::folder().into()));
    variables.push(("PYTHONDONTWRITEBYTECODE", "1".into()));
    let borrowed: Vec<(&str, &OsStr)> = variables.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
    tested(program, arguments, &borrowed)
}

fn python(python: Python, tests: &str, mut variables: Variables) -> Result<Tally, String> {
    if !python.path.is_empty() {
        let path = join_paths(&python.path).map_err(|error| format!("PYTHONPATH: {error}"))?;
        variables.push(("PYTHONPATH", path));
    }
    let tests = format!("conformance/python/{tests}");
    let arguments = [
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-o",
        "tmp_path_retention_policy=failed",
        &tests,
    ];
    started(&python.program, &arguments, variables)
}

fn javascript() -> Result<Tally, String> {
    let (source, target) = (root().join("conformance/javascript"), folder("javascript"));
    fs::create_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;
    let mut tests = Vec::new();
    // The tests are copied beside node_modules, because Node resolves packages from the importing file.
    for entry in fs::read_dir(&source).map_err(|error| format!("{}: {error}", source.display()))? {
        let path = entry.map_err(|error| format!("{}: {error}", source.display()))?.path();
        let Some(name) = path.file_name().and_then(OsStr::to_str).filter(|_| path.is_file()) else { continue };
        fs::copy(&path, target.join(name)).map_err(|error| format!("{name}: {error}"))?;
        if name.ends_with(".test.mjs") {
            tests.push(target.join(name).display().to_string());
        }
    }
    tests.sort();
    let lock = source.join("package-lock.json");
    if !is_current(&target, &lock) {
        run_program("npm", &["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], &target)?;
        mark_current(&target, &lock)?;
    }
    let mut arguments = vec!["--test", "--test-reporter=tap", "--test-concurrency=1"];
    arguments.extend(tests.iter().map(String::as_str));
    started("node", &arguments, Vec::new())
}
