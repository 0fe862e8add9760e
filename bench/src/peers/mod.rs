//! This server side by side with others: `bench peers --server BINARY [--installed FILE] [NAME]...`.
//!
//! Every server takes the same records from the same generator on the same two processors, in turn: one round goes
//! through all of them, then the next begins, so that a mood of the machine meets all alike. Each speaks its own
//! protocol over blocking sockets.

use std::path::PathBuf;

use crate::Options;
use crate::request::Shape;

mod api;
mod bare;
mod catalog;
mod durability;
mod installed;
mod lane;
mod nats;
mod processors;
mod proof;
mod redis;
mod report;
mod rounds;
mod running;

/// First argument of the program that makes it this.
pub(crate) const COMMAND: &str = "peers";

const SHAPES: [Shape; 2] = [Shape { count: 500, bytes: 100 }, Shape { count: 100, bytes: 1024 }];
const PRODUCERS: [usize; 2] = [1, 16];

pub(crate) fn main(arguments: &[String]) -> Result<(), String> {
    let mut options = Options { binary: PathBuf::new(), data: "target/bench".into(), runs: 3, seconds: 3 };
    let (mut installed, mut write, mut names) = (PathBuf::new(), None, Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(help);
        match argument.as_str() {
            "--server" => options.binary = value()?.into(),
            "--installed" => installed = value()?.into(),
            "--data" => options.data = value()?.into(),
            "--runs" => options.runs = value()?.parse().map_err(|_| help())?,
            "--seconds" => options.seconds = value()?.parse().map_err(|_| help())?,
            "--write" => write = Some(PathBuf::from(value()?)),
            name if known_names().any(|known| known == name) => names.push(name.to_owned()),
            _ => return Err(help()),
        }
    }
    if !options.binary.is_file() || options.runs == 0 || options.seconds == 0 {
        return Err(help());
    }
    let folder = std::path::absolute(&options.data).map_err(|error| format!("{}: {error}", options.data.display()))?;
    options.data = folder;
    std::fs::create_dir_all(&options.data).map_err(|error| format!("{}: {error}", options.data.display()))?;
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let processors = processors::pin()?;
    let programs = installed::Programs::read(&installed)?;
    let field = rounds::Field::new(&options, &programs, &wanted);
    let mut report = report::Report::new(&options, processors);
    println!("{}", report.head());
    report.field = rounds::measure(&field)?;
    report.proof = proof::measure(&options, &report.field, &wanted)?;
    println!("\n{}", report.tables());
    match write {
        Some(path) => report.save(&path),
        None => Ok(()),
    }
}

fn known_names() -> impl Iterator<Item = &'static str> {
    catalog::ALL.iter().map(|peer| peer.name).chain(proof::OWN.iter().map(|own| own.name))
}

fn help() -> String {
    format!(
        "usage: bench peers --server BINARY [--installed FILE] [--runs N] [--seconds N] [--data FOLDER] [--write FILE] \
         [NAME]...\nnames: {}",
        known_names().collect::<Vec<_>>().join(", ")
    )
}
