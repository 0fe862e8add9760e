//! docs/peers.md.

use std::path::Path;
use std::time::Duration;

use super::durability::BATCHES;
use super::lane::{Cell, Counted, Lane};
use super::proof::Proof;
use super::{PRODUCERS, SHAPES};
use crate::request::Shape;
use crate::rows::{grouped, median, mib, milliseconds};
use crate::{Options, machine};

pub(super) struct Report {
    machine: String,
    processors: Vec<usize>,
    runs: usize,
    seconds: u64,
    pub field: Vec<Lane>,
    pub proof: Vec<Proof>,
}

impl Report {
    pub(super) fn new(options: &Options, processors: Vec<usize>) -> Self {
        let Options { runs, seconds, .. } = *options;
        Self { machine: machine::describe(), processors, runs, seconds, field: Vec::new(), proof: Vec::new() }
    }

    /// What and how, before the figures.
    pub(super) fn head(&self) -> String {
        let processors: Vec<String> = self.processors.iter().map(usize::to_string).collect();
        format!(
            "{}; medians of {} rounds of {} s; servers and generator together on processors {}",
            self.machine,
            self.runs,
            self.seconds,
            processors.join(" and ")
        )
    }

    pub(super) fn tables(&self) -> String {
        let mut out = self.proof();
        out.push_str(&self.participants());
        for shape in SHAPES {
            for producers in PRODUCERS {
                out.push_str(&self.figures(shape, producers));
            }
        }
        out
    }

    /// Writes docs/peers.md.
    pub(super) fn save(&self, path: &Path) -> Result<(), String> {
        let text = format!("{HEAD}\n{}\n{}{TAIL}", self.head(), self.tables());
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn proof(&self) -> String {
        let mut out = "\n## What must hold\n\n| what | wanted | aim | measured | holds | details |\n\
                       |---|---|---|---|---|---|\n"
            .to_owned();
        for Proof { what, wanted, aim, measured, holds, details } in &self.proof {
            let holds = if *holds { "yes" } else { "**no**" };
            out.push_str(&format!("| {what} | {wanted} | {aim} | **{measured}** | {holds} | {details} |\n"));
        }
        out
    }

    fn participants(&self) -> String {
        let mut out = format!(
            "\n## Who takes part\n\n| name | server | version | when it acknowledges, a record is | flushes seen in {BATCHES} \
             batches |\n|---|---|---|---|---|\n"
        );
        for lane in &self.field {
            let version = lane.missing.as_ref().unwrap_or(&lane.version);
            let seen = match &lane.flushes {
                Ok(count) => count.to_string(),
                Err(reason) => reason.clone(),
            };
            let (name, title, durability) = (lane.peer.name, lane.peer.title, lane.peer.durability);
            out.push_str(&format!("| {name} | {title} | {version} | {durability} | {seen} |\n"));
        }
        out
    }

    fn figures(&self, shape: Shape, producers: usize) -> String {
        let plural = if producers == 1 { "" } else { "s" };
        let mut out = format!(
            "\n## {} x {} B, {producers} producer{plural}\n\n| server | records/s (least to most) | acknowledged p50, p99 | \
             server CPU-s per million | peak RSS | this server, per CPU-second | waited | generator CPU-s per million | \
             counted |\n|---|---|---|---|---|---|---|---|---|\n",
            shape.count, shape.bytes
        );
        let own = self.field.first().map(|lane| lane.cells(shape, producers)).unwrap_or_default();
        for lane in &self.field {
            let cells = lane.cells(shape, producers);
            if !cells.is_empty() {
                out.push_str(&row(lane.peer.name, &cells, &own));
            }
        }
        out
    }
}

fn row(name: &str, cells: &[&Cell], own: &[&Cell]) -> String {
    let rates: Vec<f64> = cells.iter().map(|cell| cell.records_per_second).collect();
    let (least, most) =
        rates.iter().fold((f64::MAX, 0.0f64), |(least, most), rate| (least.min(*rate), most.max(*rate)));
    let time =
        |of: fn(&Cell) -> Duration| milliseconds(Duration::from_secs_f64(middle(cells, |cell| of(cell).as_secs_f64())));
    let memory = cells.iter().filter_map(|cell| cell.peak_kib).max().map_or("-".to_owned(), mib);
    let generator: Option<Vec<f64>> = cells.iter().map(|cell| cell.generator_cpu).collect();
    let generator = generator.and_then(|found| median(found, |number| *number).ok());
    format!(
        "| {name} | **{}** ({} to {}) | {}, {} | {:.2} | {memory} | {:.2}x | {:.2} | {} | {} |\n",
        grouped(middle(cells, |cell| cell.records_per_second)),
        grouped(least),
        grouped(most),
        time(|cell| cell.p50),
        time(|cell| cell.p99),
        1e6 / middle(cells, |cell| cell.records_per_cpu_second),
        ratio(own, cells),
        middle(cells, |cell| cell.waited),
        generator.map_or("-".to_owned(), |seconds| format!("{seconds:.2}")),
        counted(cells)
    )
}

/// Of the middle round.
pub(super) fn middle(cells: &[&Cell], number: impl Fn(&Cell) -> f64) -> f64 {
    median(cells.iter().map(|cell| number(cell)).collect(), |number| *number).unwrap_or_default()
}

/// How many times the records per server CPU-second of `cells` are in `own`, of the middle round: both were measured
/// one after the other in each.
pub(super) fn ratio(own: &[&Cell], cells: &[&Cell]) -> f64 {
    let pairs = own.iter().zip(cells).map(|(own, cell)| own.records_per_cpu_second / cell.records_per_cpu_second);
    median(pairs.collect(), |ratio| *ratio).unwrap_or_default()
}

fn counted(cells: &[&Cell]) -> String {
    let known = cells.iter().map(|cell| cell.counted).find(|counted| *counted != Counted::Unknown);
    match known {
        Some(Counted::Exact) => "all".to_owned(),
        Some(Counted::Differs { acknowledged, stored }) => {
            format!("**{} of {}**", grouped(stored as f64), grouped(acknowledged as f64))
        }
        Some(Counted::Unknown) | None => "-".to_owned(),
    }
}

const HEAD: &str = "# Side by side

Made by

    cargo xtask bench peers --write docs/peers.md

which installs each server under `target/peers`, starts each afresh for each load, and loads all of them in turn from one generator, in rounds:
";

const TAIL: &str = "
How to read it:

- A producer has one batch in flight: it sends the next when every record of the last is acknowledged. *acknowledged* is the time of a batch.
- Apache Iggy would belong into these tables: its clients are published, its server is in no package registry.
- Each server is spoken to in its own protocol over blocking sockets: PutRecords in JSON over HTTP/1.1 (one stream of 4 shards), XADD of
  a whole batch in one pipeline (a stream a producer, the partition key is the field's name), JetStream publish of a whole batch before the first
  acknowledgement is read (a stream a producer, data without partition key). Batches are made, and signed, before the clock starts.
- *CPU-s* is user and system time of the server's process and its children, threads that ended included, in steps of 10 ms
  (`/proc/<pid>/stat`). The bare log runs within the generator, so its figure holds both. What threads of the kernel do for a server, such as
  writing back the page cache, is counted for none.
- This server runs with limits off, the others with what the table names, and everything else at its default.
- *this server, per CPU-second* is how many times as many records this server takes per CPU-second as the server of that line.
- *waited* is the time that threads of the server were ready to run and had no processor, per second of CPU time used.
- *peak RSS* is the most of all rounds, children included.
- *counted*: after the load of the first round the server was asked what it holds (GetRecords to the tip of every shard, XLEN, STREAM.INFO),
  and *all* says that it was exactly what it had acknowledged. `-`: it keeps nothing, or could not be read back in 30 s.
- *flushes seen*: calls of `fsync`, `fdatasync`, `sync_file_range` and `msync`, and writes to files opened with `O_DSYNC`, while one
  producer sent 10 batches of 500 records (`strace`). Fewer than 10 means that batches were acknowledged before they were on the disk.
- *bare hyper* checks the SHA-256 of the body, makes one HMAC, parses the JSON, decodes base64, takes the MD5 of every key, builds and checksums
  a frame and writes the full answer; it routes to no shard, checks no limits and cannot read anything back. *bare log* is group commit with two
  commits in flight into a file that was written before.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_neighbours() {
        let cell = |records_per_cpu_second| Cell {
            records_per_second: 1.0,
            records_per_cpu_second,
            p50: Duration::ZERO,
            p99: Duration::ZERO,
            generator_cpu: None,
            waited: 0.0,
            peak_kib: None,
            counted: Counted::Unknown,
        };
        let (own, other) = ([cell(10.0), cell(40.0), cell(20.0)], [cell(5.0), cell(10.0), cell(20.0)]);
        let (own, other): (Vec<&Cell>, Vec<&Cell>) = (own.iter().collect(), other.iter().collect());
        assert_eq!(ratio(&own, &other), 2.0);
        assert_eq!(middle(&own, |cell| cell.records_per_cpu_second), 20.0);
        let exact = Cell { counted: Counted::Exact, ..cell(1.0) };
        assert_eq!([counted(&[own[0], &exact]), counted(&own)], ["all", "-"]);
    }
}
