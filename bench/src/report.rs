//! Figures as a table for people, as JSON, and as docs/bench.md.

use std::path::Path;

use serde::Serialize;

use crate::rows::Row;
use crate::{Options, machine};

/// What a row found out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    /// The number that the row is about, as people read it.
    pub value: String,
    /// The same as a number, in the row's unit.
    pub number: f64,
    /// The machine's floor, and how many times of it the value is.
    pub floor: String,
    pub details: String,
}

#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    what: &'static str,
    floor_wanted: &'static str,
    aim: &'static str,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    runs: usize,
    seconds: u64,
    lines: Vec<Line>,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Self {
        Self { machine: machine::describe(), runs: options.runs, seconds: options.seconds, lines: Vec::new() }
    }

    /// What and how, before the figures.
    pub(crate) fn head(&self) -> String {
        format!(
            "{}; medians of {} runs of {} s; server and generator share the machine, not pinned",
            self.machine, self.runs, self.seconds
        )
    }

    pub(crate) fn add(&mut self, row: &Row, figures: Figures) {
        println!("{}: {}; {}; {}", row.what, figures.value, figures.floor, figures.details);
        self.lines.push(Line { name: row.name, what: row.what, floor_wanted: row.floor, aim: row.aim, figures });
    }

    pub(crate) fn table(&self) -> String {
        let mut out =
            "| what | floor | aim | measured | beside the machine | details |\n|---|---|---|---|---|---|\n".to_owned();
        for Line { what, floor_wanted, aim, figures, .. } in &self.lines {
            let Figures { value, floor, details, .. } = figures;
            out.push_str(&format!("| {what} | {floor_wanted} | {aim} | **{value}** | {floor} | {details} |\n"));
        }
        out
    }

    pub(crate) fn save_json(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes docs/bench.md.
    pub(crate) fn save_markdown(&self, path: &Path) -> Result<(), String> {
        let text = format!("{}\n{}\n\n{}{}", HEAD, self.head(), self.table(), TAIL);
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

const HEAD: &str = "# Numbers

Made by

    cargo xtask bench --write docs/bench.md

which builds the server as it ships, and measures each row against a fresh server with limits off and everything else at its default (before the restart, an
obstacle kept the server from rewriting its journal):
every request carries a verified signature, every acknowledged record has been flushed.
";

const TAIL: &str = "
How to read it:

- *CPU-second* is time that the scheduler gave to threads of the server, user and system (`/proc/<pid>/task/*/schedstat`).
- The generator signs bodies before the clock starts and sends each many times over blocking sockets, one request in flight per
  connection. It shares the processors with the server, so wall-clock rates are lower than on a machine of its own; CPU figures are not.
- *beside the machine* is measured in the same run: a bare 4 KiB write that is on the disk when it returns (`O_DIRECT|O_DSYNC`, into a file
  that was written before), or a bare hyper server that reads the same bodies and answers 200.
- *generator* is CPU time that the generator took for a request.
- *waited* is the time that threads of the server were ready to run and had no processor, per second of CPU time used.
";
