//! The conformance suites: foreign clients against the release binary.
//!
//! A suite starts servers of its own on free loopback ports, each with a data directory that goes away.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::process::{cargo, run as run_program, tested};
use super::{Tally, table};
use crate::root;

/// In the order in which they run.
pub(super) const NAMES: &[&str] = &["boto3", "awscli", "javascript", "rust", "taxi", "kill"];

/// The server as it ships, and the Rust suites; these with the features of the whole workspace, so that the unit
/// tests have built most of it already.
pub(super) fn build() -> Result<(), String> {
    cargo(&["build", "--release", "--package", "cli"])?;
    cargo(&["build", "--workspace", "--bin", "conformance-rust"])
}

pub(super) fn run(name: &str) -> Result<Tally, String> {
    match name {
        "boto3" => python("sdk"),
        "awscli" => python("command_line"),
        "taxi" => python("taxi"),
        "javascript" => javascript(),
        "rust" | "kill" => {
            let program = root().join("target/debug/conformance-rust");
            tested(program, &[name], &environment(&server(), &table::folder()))
        }
        _ => Err(format!("there is no suite {name}")),
    }
}

/// Where the suites find the server and leave what they did.
fn environment<'a>(server: &'a Path, recorded: &'a Path) -> Vec<(&'a str, &'a OsStr)> {
    vec![
        ("ANABRANCH_BINARY", server.as_os_str()),
        ("ANABRANCH_RECORDED", recorded.as_os_str()),
        ("PYTHONDONTWRITEBYTECODE", OsStr::new("1")),
    ]
}

fn server() -> PathBuf {
    root().join("target/release/anabranch")
}

fn installed(name: &str) -> PathBuf {
    root().join("target/conformance").join(name)
}

fn python(folder: &str) -> Result<Tally, String> {
    let python = Python::install()?;
    let (server, recorded) = (server(), table::folder());
    let mut environment = environment(&server, &recorded);
    if let Some(path) = &python.path {
        environment.push(("PYTHONPATH", path.as_os_str()));
    }
    let tests = format!("conformance/python/{folder}");
    tested(&python.program, &["-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", &tests], &environment)
}

/// A Python with the pinned packages.
struct Python {
    program: PathBuf,
    /// Set when the packages lie beside the system's Python instead of in a virtual environment.
    path: Option<PathBuf>,
}

impl Python {
    fn install() -> Result<Self, String> {
        let requirements = root().join("conformance/python/requirements.txt");
        let (venv, site) = (installed("venv"), installed("site"));
        let isolated = Self { program: venv.join("bin/python"), path: None };
        let beside = Self { program: "python3".into(), path: Some(site.clone()) };
        if is_current(&venv, &requirements) {
            return Ok(isolated);
        }
        if is_current(&site, &requirements) {
            return Ok(beside);
        }
        let wanted = requirements.display().to_string();
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", &wanted];
        let venv_name = venv.display().to_string();
        fs::create_dir_all(installed("")).map_err(|error| format!("target/conformance: {error}"))?;
        // Some systems ship Python without ensurepip, so that a virtual environment cannot be made.
        if run_program("python3", &["-m", "venv", "--clear", &venv_name], &root()).is_ok() {
            run_program(&isolated.program, &install, &root())?;
            mark_current(&venv, &requirements)?;
            return Ok(isolated);
        }
        let site_name = site.display().to_string();
        let arguments: Vec<&str> = install.iter().copied().chain(["--upgrade", "--target", &site_name]).collect();
        run_program("python3", &arguments, &root())?;
        mark_current(&site, &requirements)?;
        Ok(beside)
    }
}

fn javascript() -> Result<Tally, String> {
    let (source, target) = (root().join("conformance/javascript"), installed("javascript"));
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
    tested("node", &arguments, &environment(&server(), &table::folder()))
}

/// Whether `folder` was installed from `source` as it is now.
fn is_current(folder: &Path, source: &Path) -> bool {
    match (fs::read(folder.join("installed-from")), fs::read(source)) {
        (Ok(then), Ok(now)) => then == now,
        _ => false,
    }
}

fn mark_current(folder: &Path, source: &Path) -> Result<(), String> {
    fs::copy(source, folder.join("installed-from"))
        .map(|_| ())
        .map_err(|error| format!("{}: {error}", folder.display()))
}
