//! What the servers did.

use std::time::Duration;

use super::catalog::Peer;
use crate::load::Load;
use crate::request::Shape;

/// What one server did.
#[derive(Debug)]
pub(super) struct Lane {
    pub peer: &'static Peer,
    pub version: String,
    /// Why there are no figures.
    pub missing: Option<String>,
    /// Flushes that were seen while batches were acknowledged.
    pub flushes: Result<usize, String>,
    /// One for each round.
    pub cells: Vec<(Shape, usize, Cell)>,
}

impl Lane {
    /// The measurements of one load, round by round.
    pub(super) fn cells(&self, shape: Shape, producers: usize) -> Vec<&Cell> {
        let of_load = |(at, count, _): &&(Shape, usize, Cell)| *at == shape && *count == producers;
        self.cells.iter().filter(of_load).map(|(_, _, cell)| cell).collect()
    }
}

/// What one run found.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub records_per_second: f64,
    /// Of the server.
    pub records_per_cpu_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Seconds for a million records; `None` where generator and server are one process.
    pub generator_cpu: Option<f64>,
    /// Time that the server was ready to run and had no processor, per second of CPU time used.
    pub waited: f64,
    /// `None` where generator and server are one process.
    pub peak_kib: Option<u64>,
    pub counted: Counted,
}

/// Whether the server holds what it acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Every record that was acknowledged is there, and no other.
    Exact,
    Differs {
        acknowledged: u64,
        stored: u64,
    },
    /// It cannot say, or not in time, or was not asked in this round.
    Unknown,
}

impl Cell {
    /// `alone` says that the server is a process of its own.
    pub(super) fn new(load: &Load, shape: Shape, alone: bool, peak_kib: Option<u64>, counted: Counted) -> Self {
        let records = load.requests() * shape.count as f64;
        let used = load.cpu.used.as_secs_f64().max(1e-9);
        Self {
            records_per_second: records / load.elapsed.as_secs_f64(),
            records_per_cpu_second: records / used,
            p50: load.percentile(50.0),
            p99: load.percentile(99.0),
            generator_cpu: alone.then(|| load.generator_cpu.used.as_secs_f64() / records.max(1.0) * 1e6),
            waited: load.cpu.waited.as_secs_f64() / used,
            peak_kib,
            counted,
        }
    }
}
