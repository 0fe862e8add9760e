//! `cargo xtask bench peers`: installs the servers to compare with and runs the generator beside them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use super::install::{self, Program};
use super::{built, finish};
use crate::root;

/// How a program is set up in a folder of its own.
type Install = fn(&Path) -> Result<Program, String>;

/// A name given on the command line begins with the name of the program that it needs.
const PROGRAMS: &[(&str, Install)] = &[
    ("ferrokinesis", install::ferrokinesis),
    ("kinesalite", install::kinesalite),
    ("kinesis-local", install::kinesis_local),
    ("moto", install::moto),
    ("redis", install::redis),
    ("nats", install::nats),
];
/// Their values are not names.
const OPTIONS: &[&str] = &["--runs", "--seconds", "--data", "--write"];

/// One line of the list that the generator reads.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    #[serde(flatten)]
    program: Option<Program>,
    /// Why it is not there.
    missing: Option<String>,
}

/// # Errors
/// When the run fails; a program that cannot be installed is left out of it, by name and with the reason.
pub(super) fn run(arguments: &[&str]) -> Result<(), String> {
    let names = names(arguments);
    let folder = root().join("target/peers");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut lines = Vec::new();
    for (name, install) in PROGRAMS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted.starts_with(name)) {
            continue;
        }
        println!("setting up {name}");
        let line = match install(&folder.join(name)) {
            Ok(program) => Line { name, program: Some(program), missing: None },
            Err(reason) => {
                println!("{name}: not installable here: {reason}");
                Line { name, program: None, missing: Some(reason) }
            }
        };
        lines.push(line);
    }
    let list = folder.join("installed.json");
    let text = serde_json::to_string_pretty(&lines).map_err(|error| error.to_string())?;
    fs::write(&list, text).map_err(|error| format!("{}: {error}", list.display()))?;
    let mut generator = generator();
    generator.args(["peers", "--server"]).arg(built("anabranch")).arg("--installed").arg(list).args(arguments);
    finish(&mut generator)
}

fn names<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = arguments.iter();
    let mut names = Vec::new();
    while let Some(argument) = arguments.next() {
        if OPTIONS.contains(argument) {
            arguments.next();
        } else {
            names.push(*argument);
        }
    }
    names
}

/// In a network of its own if that can be had: some servers listen on every interface, whatever they are told.
fn generator() -> Command {
    let private = ["--map-root-user", "--net"];
    let possible = Command::new("unshare")
        .args(private)
        .args(["ip", "link", "set", "lo", "up"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !possible {
        return Command::new(built("bench"));
    }
    let mut command = Command::new("unshare");
    command.args(private).args(["sh", "-c", r#"ip link set lo up && exec "$0" "$@""#]).arg(built("bench"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_values() {
        assert_eq!(names(&["--runs", "1", "moto", "--write", "docs/peers.md", "push"]), ["moto", "push"]);
    }
}
