//! Carries changes of streams out, at once or when their time has come. Every function here wants the caller to hold
//! [`Stream::change`].

use std::sync::Arc;

use base::hash_key::HashKeyRange;
use store::catalog::Transaction;

use crate::core::Core;
use crate::error::{self, Answer};
use crate::reshard::{Piece, Step, next_generation};
use crate::resharding;
use crate::rows::{StreamRow, keys};
use crate::stream::Stream;
use crate::transition::{Change, Pending, Status};

/// Generations of one scaling; a plan needs about twice the logarithm of the number of shards.
const GENERATIONS_MAX: usize = 64;

/// Begins a change: `row` is the stream's row with whatever else the call changes. With no delay the change is done
/// when this returns.
pub async fn begin(core: &Core, stream: &Arc<Stream>, mut row: StreamRow, change: Change) -> Answer<()> {
    let delay = core.settings.transition_delay;
    if delay.is_zero() && !change.has_steps() {
        return carry_out(core, stream, row, change).await;
    }
    row.status = change.status();
    row.pending = Some(Pending { due: core.now().plus(delay), change: change.clone() });
    let snapshot = stream.snapshot();
    core.commit(stream, snapshot.with_row(row.clone()), Transaction::new()).await?;
    if delay.is_zero() {
        return carry_out(core, stream, row, change).await;
    }
    core.work.notify_one();
    Ok(())
}

/// Does what a change is about and makes the stream ACTIVE, or removes it.
pub async fn carry_out(core: &Core, stream: &Arc<Stream>, mut row: StreamRow, change: Change) -> Answer<()> {
    row.status = Status::Active;
    row.pending = None;
    match change {
        Change::Delete => return remove(core, stream).await,
        Change::Split { shard, at } => return resharding::run(core, stream, row, &[Step::Split { shard, at }]).await,
        Change::Merge { shard, adjacent } => {
            return resharding::run(core, stream, row, &[Step::Merge { shard, adjacent }]).await;
        }
        Change::Scale { target } => return scale(core, stream, row, target).await,
        Change::Warm { mibps } => {
            row.warm_mibps = Some(mibps);
            return warm(core, stream, row).await;
        }
        Change::Mode { mode, warm_mibps } => {
            row.mode = mode;
            row.warm_mibps = warm_mibps;
            return warm(core, stream, row).await;
        }
        Change::Create => {}
        Change::Encrypt { key_id } => row.key_id = Some(key_id),
        Change::Decrypt => row.key_id = None,
        Change::RecordSize { kib } => row.record_kib_max = kib,
    }
    let snapshot = stream.snapshot();
    core.commit(stream, snapshot.with_row(row), Transaction::new()).await
}

/// Scales up to the shards that the warm throughput stands for, 1 MiB/s each.
async fn warm(core: &Core, stream: &Arc<Stream>, row: StreamRow) -> Answer<()> {
    let open = u32::try_from(stream.snapshot().open.len()).unwrap_or(u32::MAX);
    let target = row.warm_mibps.unwrap_or(0).min(base::limits::SHARDS_PER_STREAM_MAX).max(open);
    if target == open {
        let snapshot = stream.snapshot();
        return core.commit(stream, snapshot.with_row(row), Transaction::new()).await;
    }
    scale(core, stream, row, target).await
}

/// Goes from generation to generation; the stream stays UPDATING, with the change pending, until the last is there.
async fn scale(core: &Core, stream: &Arc<Stream>, done: StreamRow, target: u32) -> Answer<()> {
    for _ in 0..GENERATIONS_MAX {
        let snapshot = stream.snapshot();
        let open = snapshot.open.shards().iter();
        let open: Vec<Piece> = open.map(|shard| Piece { index: shard.row.index, range: shard.row.range }).collect();
        let steps = next_generation(&open, target);
        // Shard indexes are counted in the stream's own row.
        let row = StreamRow { next_shard: snapshot.row.next_shard, ..done.clone() };
        if steps.is_empty() {
            debug_assert!(is_uniform(&open, target), "the plan ends at the target");
            return core.commit(stream, snapshot.with_row(row), Transaction::new()).await;
        }
        let row = StreamRow { status: Status::Updating, pending: snapshot.row.pending.clone(), ..row };
        resharding::run(core, stream, row, &steps).await?;
    }
    Ok(())
}

fn is_uniform(open: &[Piece], target: u32) -> bool {
    open.iter().map(|piece| piece.range).eq(HashKeyRange::uniform(target))
}

/// Removes a stream and everything that belongs to it.
async fn remove(core: &Core, stream: &Arc<Stream>) -> Answer<()> {
    let mut transaction = Transaction::new().delete(keys::stream(&stream.arn));
    for prefix in keys::of_stream(stream.incarnation) {
        transaction = transaction.delete_prefix(prefix);
    }
    core.catalog.commit(transaction).await.map_err(error::catalog)?;
    core.registry.remove(stream);
    stream.retire();
    for shard in &stream.snapshot().shards {
        core.log.remove(shard.row.log);
    }
    Ok(())
}
