//! Reads a shard's log for GetRecords and SubscribeToShard: the retention horizon, the distance to the tip, the end
//! of the shard.

use api::kinesis::KinesisError;
use base::ids::ShardIndex;
use base::time::Timestamp;
use store::shard_log::{LogError, Position, ReadLimit, ReadRun};

use crate::core::Core;
use crate::error::{self, Answer};
use crate::position::{Start, Wanted};
use crate::shard::Shard;
use crate::stream::{Snapshot, Stream};
use crate::transition::Status;

/// Gaps that one read passes over.
const GAPS_MAX: usize = 4;

/// Records and where they leave the reader.
#[derive(Debug)]
pub struct Reading {
    pub run: ReadRun,
    pub millis_behind: i64,
    /// Nothing will ever follow.
    pub at_end: bool,
}

/// A shard that can be read. Shards of a stream that is being created do not exist yet, and those past retention no
/// longer.
pub fn readable<'a>(
    stream: &Stream,
    snapshot: &'a Snapshot,
    index: ShardIndex,
    now: Timestamp,
) -> Answer<&'a std::sync::Arc<Shard>> {
    if snapshot.row.status == Status::Creating || stream.is_gone() {
        return Err(error::stream_not_found(&stream.arn));
    }
    let shard = snapshot.shard(index).filter(|shard| !shard.is_expired(snapshot.horizon(now)));
    shard.ok_or_else(|| error::shard_does_not_exist(&stream.arn, &index.to_string()))
}

/// What a client is told when the log does not answer. A log that is missing because its stream or its shard has gone
/// while the request was under way is no failure.
pub fn failure(core: &Core, stream: &Stream, shard: ShardIndex, failure: LogError) -> KinesisError {
    match (failure, readable(stream, &stream.snapshot(), shard, core.now())) {
        (LogError::NotFound, Err(gone)) => gone,
        (failure, _) => error::log(failure),
    }
}

/// The position that a client's starting point stands for.
pub async fn start(
    core: &Core,
    stream: &Stream,
    snapshot: &Snapshot,
    shard: &Shard,
    operation: &str,
    wanted: Wanted<'_>,
) -> Answer<Position> {
    let now = core.now();
    let start = wanted
        .resolve(&shard.row, now)
        .map_err(|start| error::start(&stream.arn, operation, shard.row.index, start))?;
    let failed = |error| failure(core, stream, shard.row.index, error);
    let next = core.log.bounds(shard.row.log).map_err(failed)?.next;
    match start {
        Start::TrimHorizon => Ok(Position(0)),
        Start::Latest => Ok(next),
        // The end of a closed shard has a number far beyond its last record.
        Start::At(position) => Ok(position.min(next)),
        Start::Time(at) => core.log.find(shard.row.log, at.max(snapshot.horizon(now))).await.map_err(failed),
    }
}

/// Reads from a position on, or from the horizon when that is later.
pub async fn read(
    core: &Core,
    snapshot: &Snapshot,
    shard: &Shard,
    from: Position,
    limit: ReadLimit,
) -> Result<Reading, LogError> {
    let log = shard.row.log;
    let now = core.now();
    let horizon = snapshot.horizon(now);
    let mut run = core.log.read(log, from, limit).await?;
    if run.records.first().is_some_and(|record| record.arrival < horizon) {
        let retained = core.log.find(log, horizon).await?;
        run = core.log.read(log, retained, limit).await?;
    }
    let mut bounds = core.log.bounds(log)?;
    for _ in 0..GAPS_MAX {
        if !run.records.is_empty() || run.next >= bounds.next {
            break;
        }
        run = core.log.read(log, run.next, limit).await?;
        bounds = core.log.bounds(log)?;
    }
    // A log that lost its tail in a crash (durability below `sync`) may end before an old iterator.
    run.next = run.next.min(bounds.next);
    let at_tip = run.next >= bounds.next;
    let reached = run.records.last().map(|record| record.arrival).or(bounds.last_arrival);
    Ok(Reading {
        at_end: !shard.is_open() && at_tip,
        millis_behind: if at_tip { 0 } else { reached.map_or(1, |reached| millis_behind(now, reached)) },
        run,
    })
}

/// How far a reader is behind that has reached `reached` and not the tip. Never 0, which says that it has caught up: the
/// rest may have arrived in the same millisecond, and the clock may have been set back.
pub fn millis_behind(now: Timestamp, reached: Timestamp) -> i64 {
    i64::try_from(now.since(reached).as_millis()).unwrap_or(i64::MAX).max(1)
}
