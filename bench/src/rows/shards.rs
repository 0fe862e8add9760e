//! What shards cost that nobody uses.

use std::thread;
use std::time::Duration;

use crate::Options;
use crate::report::Figures;
use crate::server::Server;

use super::{median, mib};

const STREAMS: u32 = 10;
const SHARDS: u32 = 1000;
/// Until memory that was needed for a moment is given back.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) fn idle(options: &Options) -> Result<Figures, String> {
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let server = Server::start(options, &[])?;
        server.create_stream("first", 1)?;
        thread::sleep(SETTLE);
        let before = server.resident_kib();
        for i in 0..STREAMS {
            server.create_stream(&format!("idle-{i}"), SHARDS)?;
        }
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
