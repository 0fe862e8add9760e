//! Runs the field: round by round, load by load, one server after the other.

use std::path::PathBuf;
use std::time::Duration;

use super::catalog::{ALL, Kind, Peer, Start};
use super::installed::{Program, Programs};
use super::lane::{Cell, Counted, Lane};
use super::running::{Running, Setup};
use super::{PRODUCERS, SHAPES, durability};
use crate::Options;
use crate::load::closed_loop;
use crate::process::{CpuTime, peak_resident_kib};
use crate::request::Shape;

/// Who runs, and how.
pub(super) struct Field<'a> {
    options: &'a Options,
    entries: Vec<(&'static Peer, Result<Option<&'a Program>, String>)>,
}

impl<'a> Field<'a> {
    /// The measure of all others takes part always.
    pub(super) fn new(options: &'a Options, programs: &'a Programs, wanted: &dyn Fn(&str) -> bool) -> Self {
        let takes_part = |peer: &&Peer| peer.kind == Kind::Own || wanted(peer.name);
        let entry = |peer: &'static Peer| match peer.start {
            Start::Built(_) => (peer, Ok(None)),
            Start::Installed { everywhere: true, .. } if !is_private() => {
                (peer, Err("it would listen on every interface; a private network cannot be made".to_owned()))
            }
            Start::Installed { program, .. } => (peer, programs.find(program).map(Some)),
        };
        Self { options, entries: ALL.iter().filter(takes_part).map(entry).collect() }
    }
}

/// Whether there is no way from this process to any other machine, so none back.
fn is_private() -> bool {
    std::fs::read_to_string("/proc/net/route").is_ok_and(|routes| routes.lines().count() <= 1)
}

/// # Errors
/// When this server cannot be measured. What happens to others stands in their lanes.
pub(super) fn measure(field: &Field<'_>) -> Result<Vec<Lane>, String> {
    println!("\n## what is flushed before an acknowledgement");
    let mut lanes: Vec<Lane> = field.entries.iter().map(|entry| look(field, entry)).collect();
    for round in 0..field.options.runs {
        for (shape, producers) in loads() {
            println!("\n## round {}, {} x {} B, {producers} producers", round + 1, shape.count, shape.bytes);
            for (lane, (_, program)) in lanes.iter_mut().zip(&field.entries) {
                let Ok(program) = program else { continue };
                if lane.missing.is_some() {
                    continue;
                }
                match run(field, lane.peer, *program, shape, producers, round == 0) {
                    Ok(cell) => {
                        println!("{}: {}", lane.peer.name, line(&cell));
                        lane.cells.push((shape, producers, cell));
                    }
                    Err(error) if lane.peer.kind == Kind::Own => return Err(format!("{}: {error}", lane.peer.name)),
                    Err(error) => {
                        println!("{}: failed: {error}", lane.peer.name);
                        lane.missing = Some(format!("failed: {}", error.lines().next().unwrap_or_default()));
                    }
                }
            }
        }
    }
    Ok(lanes)
}

fn loads() -> impl Iterator<Item = (Shape, usize)> {
    SHAPES.into_iter().flat_map(|shape| PRODUCERS.into_iter().map(move |producers| (shape, producers)))
}

/// Version, and what is seen of its durability.
fn look(field: &Field<'_>, (peer, program): &(&'static Peer, Result<Option<&Program>, String>)) -> Lane {
    let mut lane = Lane { peer, version: String::new(), missing: None, flushes: Err(String::new()), cells: Vec::new() };
    match program {
        Err(reason) => lane.missing = Some(format!("not installable here: {reason}")),
        Ok(program) => {
            lane.version =
                program.map_or_else(|| env!("CARGO_PKG_VERSION").to_owned(), |program| program.version.clone());
            lane.flushes = start(field, peer, *program, SHAPES[0], 1)
                .and_then(|started| durability::flushes(started.running.as_ref(), &started.folder));
        }
    }
    let seen = match &lane.flushes {
        _ if lane.missing.is_some() => lane.missing.clone().unwrap_or_default(),
        Ok(count) => format!("{count} flushes in {} batches", durability::BATCHES),
        Err(error) => error.clone(),
    };
    println!("{}: {seen}", peer.name);
    lane
}

fn line(cell: &Cell) -> String {
    format!(
        "{:.0} records/s, {:.0} a server CPU-second, p50 {:?}, p99 {:?}, {:?}",
        cell.records_per_second, cell.records_per_cpu_second, cell.p50, cell.p99, cell.counted
    )
}

/// A server with its folder; both go away together.
struct Started {
    running: Box<dyn Running>,
    folder: Folder,
}

fn start(
    field: &Field<'_>,
    peer: &Peer,
    program: Option<&Program>,
    shape: Shape,
    producers: usize,
) -> Result<Started, String> {
    let folder = Folder::make(field.options.data.join(format!("peer-{}", peer.name)))?;
    let setup = Setup { options: field.options, folder: &folder, shape, producers };
    let running = match (peer.start, program) {
        (Start::Built(start), _) => start(setup)?,
        (Start::Installed { start, .. }, Some(program)) => start(program, setup)?,
        (Start::Installed { program, .. }, None) => return Err(format!("{program} is not installed")),
    };
    Ok(Started { running, folder })
}

fn run(
    field: &Field<'_>,
    peer: &Peer,
    program: Option<&Program>,
    shape: Shape,
    producers: usize,
    count: bool,
) -> Result<Cell, String> {
    let started = start(field, peer, program, shape, producers)?;
    let running = started.running.as_ref();
    let pid = running.pid();
    let time = Duration::from_secs(field.options.seconds);
    let load = closed_loop(producers, time, &|i| running.producer(i), || CpuTime::of_tree(pid))?;
    let alone = pid != std::process::id();
    let peak_kib = alone.then(|| peak_resident_kib(pid));
    let acknowledged = load.acknowledged * shape.count as u64;
    let counted = match if count { running.stored()? } else { None } {
        Some(stored) if stored == acknowledged => Counted::Exact,
        Some(stored) => Counted::Differs { acknowledged, stored },
        None => Counted::Unknown,
    };
    Ok(Cell::new(&load, shape, alone, peak_kib, counted))
}

/// A folder of its own for one start of a server.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make(path: PathBuf) -> Result<Self, String> {
        let folder = Self(path);
        folder.remove();
        std::fs::create_dir_all(&folder.0).map_err(|error| format!("{}: {error}", folder.0.display()))?;
        Ok(folder)
    }

    fn remove(&self) {
        // What stays behind costs disk space and nothing else.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl std::ops::Deref for Folder {
    type Target = std::path::Path;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
        // The next server does not pay for what this one left in the page cache.
        rustix::fs::sync();
    }
}
