//! Sets up the servers that package managers have, each in a folder under `target/peers`, once a version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

const FERROKINESIS: &str = "0.7.0";
const KINESALITE: &str = "3.3.3";
const KINESIS_LOCAL: &str = "0.6.2";
const MOTO: &str = "5.2.5";
const NATS: &str = "2.15.2";

const NPM: [&str; 5] = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
/// Of what a failed program said, in the reason.
const REASON_CHARACTERS_MAX: usize = 200;

/// How to start an installed program.
#[derive(Debug, Serialize)]
pub(super) struct Program {
    version: String,
    command: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Program {
    fn new(version: String, command: &[&str]) -> Self {
        Self { version, command: command.iter().map(|word| (*word).to_owned()).collect(), environment: Vec::new() }
    }
}

pub(super) fn ferrokinesis(folder: &Path) -> Result<Program, String> {
    once(folder, FERROKINESIS, || {
        let (place, build) = (text(folder), folder.join("build"));
        let wanted = ["install", "--quiet", "--locked", "ferrokinesis", "--version", FERROKINESIS, "--root", &place];
        run(Command::new("cargo").args(wanted).arg("--target-dir").arg(&build))?;
        fs::remove_dir_all(&build).map_err(|error| format!("{}: {error}", build.display()))
    })?;
    Ok(Program::new(FERROKINESIS.to_owned(), &[&text(&folder.join("bin/ferrokinesis"))]))
}

pub(super) fn kinesalite(folder: &Path) -> Result<Program, String> {
    npm(folder, "kinesalite", KINESALITE)?;
    node(folder, KINESALITE, "node_modules/kinesalite/cli.js")
}

pub(super) fn kinesis_local(folder: &Path) -> Result<Program, String> {
    npm(folder, "kinesis-local", KINESIS_LOCAL)?;
    let mut program = node(folder, KINESIS_LOCAL, "node_modules/kinesis-local/main.js")?;
    let certificate = text(&folder.join("node_modules/kinesis-local/server.json"));
    program.environment.push(("KINESIS_MOCK_CERT_PATH", certificate));
    Ok(program)
}

fn npm(folder: &Path, package: &str, version: &str) -> Result<(), String> {
    once(folder, version, || {
        let manifest = folder.join("package.json");
        fs::write(&manifest, r#"{"private":true}"#).map_err(|error| format!("{}: {error}", manifest.display()))?;
        run(Command::new("npm").args(NPM).arg(format!("{package}@{version}")).current_dir(folder)).map(|_| ())
    })
}

fn node(folder: &Path, version: &str, script: &str) -> Result<Program, String> {
    let node = run(Command::new("node").arg("--version"))?;
    Ok(Program::new(format!("{version}, Node {}", node.trim()), &["node", &text(&folder.join(script))]))
}

pub(super) fn moto(folder: &Path) -> Result<Program, String> {
    once(folder, MOTO, || {
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
        run(Command::new("python3").args(install).arg(folder).arg(format!("moto[server]=={MOTO}"))).map(|_| ())
    })?;
    let python = run(Command::new("python3").arg("--version"))?;
    let mut program = Program::new(format!("{MOTO}, {}", python.trim()), &["python3", "-m", "moto.server"]);
    program.environment.push(("PYTHONPATH", text(folder)));
    Ok(program)
}

pub(super) fn nats(folder: &Path) -> Result<Program, String> {
    once(folder, NATS, || {
        let package = format!("github.com/nats-io/nats-server/v2@v{NATS}");
        run(Command::new("go").args(["install", &package]).env("GOBIN", folder)).map(|_| ())
    })?;
    Ok(Program::new(NATS.to_owned(), &[&text(&folder.join("nats-server"))]))
}

/// The version that Debian, or a system like it, has for this machine, with the libraries that are not there yet.
pub(super) fn redis(folder: &Path) -> Result<Program, String> {
    let simulate = || run(Command::new("apt-get").args(["install", "--simulate", "redis-server"]));
    // The lists of packages may never have been read.
    let plan = simulate().or_else(|_| run(Command::new("apt-get").arg("update")).and_then(|_| simulate()))?;
    let packages = planned(&plan);
    let Some((_, version)) = packages.iter().find(|(name, _)| *name == "redis-server") else {
        let said = run(Command::new("redis-server").arg("--version"))?;
        return Ok(Program::new(said.trim().to_owned(), &["redis-server"]));
    };
    let extracted = folder.join("root");
    once(folder, version, || {
        let names = packages.iter().map(|(name, _)| name);
        run(Command::new("apt-get").arg("download").args(names).current_dir(folder))?;
        for package in entries(folder)? {
            if package.extension().is_some_and(|ending| ending == "deb") {
                run(Command::new("dpkg-deb").arg("--extract").args([&package, &extracted]))?;
            }
        }
        Ok(())
    })?;
    let mut program = Program::new((*version).to_owned(), &[&text(&extracted.join("usr/bin/redis-server"))]);
    let libraries = entries(&extracted.join("usr/lib"))?.into_iter().filter(|path| path.is_dir());
    program.environment.push(("LD_LIBRARY_PATH", libraries.map(|path| text(&path)).collect::<Vec<_>>().join(":")));
    Ok(program)
}

/// Names and versions from lines such as `Inst redis-tools (5:7.0.15-1 Debian:12/stable [amd64])`.
fn planned(plan: &str) -> Vec<(&str, &str)> {
    let parsed = plan.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
        Some((name, rest.split_once('(')?.1.split(' ').next()?))
    });
    parsed.collect()
}

/// Empties and fills `folder` unless this version of the program is in it already.
fn once(folder: &Path, version: &str, install: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let mark = folder.join("installed-version");
    if fs::read_to_string(&mark).is_ok_and(|found| found == version) {
        return Ok(());
    }
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(fail)?;
    }
    fs::create_dir_all(folder).map_err(fail)?;
    install()?;
    fs::write(&mark, version).map_err(fail)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::read_dir(folder).map_err(fail)?.map(|entry| entry.map(|entry| entry.path()).map_err(fail)).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// What the program printed.
///
/// # Errors
/// The last that it said, without the addresses that it asked.
fn run(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program} does not start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    eprintln!("{said}");
    Err(format!("{program}: {}: {}", output.status, last_words(&said)))
}

fn last_words(said: &str) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let words: Vec<&str> = last.split_whitespace().filter(|word| !word.contains("://")).collect();
    words.join(" ").chars().take(REASON_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read() {
        let plan = "Reading package lists...\nInst liblzf1 (3.6-3 Debian:12.11/stable [amd64])\n\
                    Inst redis-server [5:6.0] (5:7.0.15-1 Debian:12/stable [amd64])\nConf liblzf1 (3.6-3 Debian)\n";
        assert_eq!(planned(plan), [("liblzf1", "3.6-3"), ("redis-server", "5:7.0.15-1")]);
    }

    #[test]
    fn reasons_name_no_address() {
        assert_eq!(last_words("one\nE: Failed to fetch http://host/file 404\n\n"), "E: Failed to fetch 404");
        assert_eq!(last_words(""), "");
    }
}
