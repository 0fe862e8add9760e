//! What many shards cost.

use std::thread;
use std::time::Duration;

use crate::Options;
use crate::load::Load;
use crate::plan::{Plan, Requests};
use crate::report::Figures;
use crate::request::{ALL_TAKEN, Shape, signed_batches};
use crate::server::Server;

use super::{median, mib};

const STREAMS: u32 = 10;
const SHARDS: u32 = 1000;
/// Until memory that was needed for a moment is given back.
const SETTLE: Duration = Duration::from_secs(3);

const HOT: &str = "first";
const CONNECTIONS: usize = 16;
const SHAPE: Shape = Shape { count: 500, bytes: 100 };

pub(super) fn idle(options: &Options) -> Result<Figures, String> {
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let server = Server::start(options, &[])?;
        server.api().create_stream(HOT, 1)?;
        thread::sleep(SETTLE);
        let before = server.resident_kib();
        create_many(&server)?;
        thread::sleep(SETTLE);
        let after = server.resident_kib();
        println!("  {} before, {} after", mib(before), mib(after));
        runs.push((after.saturating_sub(before), before));
    }
    let (added, before) = median(runs, |(added, _)| *added as f64)?;
    let per_shard = added as f64 * 1024.0 / f64::from(STREAMS * SHARDS);
    Ok(Figures {
        value: mib(added),
        number: added as f64 / 1024.0,
        floor: format!("{} before", mib(before)),
        details: format!("{per_shard:.0} bytes a shard"),
    })
}

fn create_many(server: &Server) -> Result<(), String> {
    (0..STREAMS).try_for_each(|i| server.api().create_stream(&name(i), SHARDS))
}

fn name(stream: u32) -> String {
    format!("many-{stream}")
}

/// The same load on one shard: before there are others, with 10,000 others, and then spread over those.
#[derive(Debug)]
pub(crate) struct Rates {
    pub alone: Load,
    pub beside_many: Load,
    pub over_many: Load,
}

impl Rates {
    /// Rate beside many shards as a share of the rate without them.
    pub(crate) fn kept(&self) -> f64 {
        rate(&self.beside_many) / rate(&self.alone)
    }

    /// Rate over many shards as a share of the rate of one.
    pub(crate) fn spread(&self) -> f64 {
        rate(&self.over_many) / rate(&self.alone)
    }
}

fn rate(load: &Load) -> f64 {
    load.requests() / load.elapsed.as_secs_f64()
}

/// The run with the median share.
pub(crate) fn rates(options: &Options) -> Result<Rates, String> {
    let time = Duration::from_secs(options.seconds);
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let server = Server::start(options, &[])?;
        let address = server.address();
        let load = |requests: &Requests| {
            let plan = Plan { address, requests, connections: CONNECTIONS, time, expect: ALL_TAKEN };
            plan.run(|| server.cpu())
        };
        server.api().create_stream(HOT, 1)?;
        let hot = signed_batches(address, HOT, SHAPE);
        let alone = load(&hot)?;
        create_many(&server)?;
        // Signed again where it would be too old by now.
        let beside_many = load(&hot)?;
        let spread: Vec<Requests> = (0..STREAMS).map(|i| signed_batches(address, &name(i), SHAPE)).collect();
        let in_turn = (0..spread[0].len()).flat_map(|i| spread.iter().map(move |stream| stream[i].clone()));
        let rates = Rates { alone, beside_many, over_many: load(&in_turn.collect())? };
        println!("  {:.2} of the rate beside 10,000 shards, {:.2} over them", rates.kept(), rates.spread());
        runs.push(rates);
    }
    median(runs, Rates::kept)
}
