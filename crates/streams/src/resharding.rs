//! Carries out one generation of splits and merges: parents are closed in the log, then one commit closes them in the
//! catalog and creates the children, then the children are opened and shown. What fails before the commit is undone
//! by opening the parents again; what is cut off after it is completed by the next start.

use std::sync::Arc;

use base::hash_key::{HashKey, HashKeyRange};
use base::ids::ShardIndex;
use base::time::Timestamp;
use futures_util::future::join_all;
use store::catalog::Transaction;
use store::shard_log::{LogBounds, LogId};

use crate::core::{Core, log_options};
use crate::error::{self, Answer};
use crate::reshard::Step;
use crate::rows::{Closed, ShardRow, StreamRow, keys};
use crate::shard::Shard;
use crate::shard_map::ShardMap;
use crate::stream::{Snapshot, Stream};

/// `row`: the stream's row after this generation; its `next_shard` is counted on here. All steps touch different
/// open shards. The caller holds [`Stream::change`].
pub async fn run(core: &Core, stream: &Arc<Stream>, row: StreamRow, steps: &[Step]) -> Answer<()> {
    let before = stream.snapshot();
    let parents = parents(&before, steps);
    let children = steps.iter().map(|step| if matches!(step, Step::Split { .. }) { 2 } else { 1 }).sum();
    let logs = core.ids.logs(&core.catalog, children).await.map_err(error::catalog)?;
    let result = close_and_commit(core, stream, row, steps, (&before, &parents), logs).await;
    match result {
        Ok(after) => {
            for shard in after.shards.iter().filter(|shard| shard.row.index.0 >= before.row.next_shard) {
                core.log.open(shard.row.log, log_options(&after.row, false));
            }
            stream.publish(after);
            Ok(())
        }
        Err(error) => {
            for parent in &parents {
                core.log.open(parent.row.log, log_options(&before.row, false));
            }
            // Wakes the puts that were refused meanwhile.
            stream.publish(before.with_row(before.row.clone()));
            Err(error)
        }
    }
}

fn parents(before: &Snapshot, steps: &[Step]) -> Vec<Arc<Shard>> {
    let shard = |index| before.shard(index).expect("plans are made of open shards").clone();
    let mut parents = Vec::new();
    for step in steps {
        match *step {
            Step::Split { shard: parent, .. } => parents.push(shard(parent)),
            Step::Merge { shard: parent, adjacent } => parents.extend([shard(parent), shard(adjacent)]),
        }
    }
    parents
}

async fn close_and_commit(
    core: &Core,
    stream: &Stream,
    row: StreamRow,
    steps: &[Step],
    (before, parents): (&Snapshot, &[Arc<Shard>]),
    logs: Vec<LogId>,
) -> Answer<Snapshot> {
    let closing = join_all(parents.iter().map(|parent| core.log.close(parent.row.log))).await;
    let bounds: Vec<LogBounds> = closing.into_iter().collect::<Result<_, _>>().map_err(error::log)?;
    let opened = parents.iter().map(|parent| parent.row.opened_at);
    // Never before the parents were opened, even if the clock went back.
    let now = opened.fold(core.now(), Timestamp::max);
    let closed: Vec<ShardRow> = parents
        .iter()
        .zip(bounds)
        .map(|(parent, bounds)| {
            let closed = Closed { at: now, end: bounds.next };
            ShardRow { closed: Some(Box::new(closed)), ..parent.row.clone() }
        })
        .collect();
    let mut births = Births { row, now, logs: logs.into_iter(), children: Vec::new() };
    for step in steps {
        births.add(step, &closed);
    }
    let Births { row, children, .. } = births;
    let mut transaction = Transaction::new();
    // One more for the stream's own row.
    transaction.writes.reserve_exact(closed.len() + children.len() + 1);
    for shard in closed.iter().chain(&children) {
        transaction = transaction.put(keys::shard(stream.incarnation, shard.index), shard.encode());
    }
    let mut shards = before.shards.clone();
    for (parent, closed) in parents.iter().zip(closed) {
        let at = shards.binary_search_by_key(&closed.index, |shard| shard.row.index);
        shards[at.expect("parents are among the shards")] = Arc::new(parent.with_row(closed));
    }
    shards.extend(children.into_iter().map(|row| Arc::new(Shard::new(row))));
    let mut after = before.with_row(row);
    after.open = ShardMap::of(&shards);
    after.shards = shards;
    assert!(after.open.tiles(), "open shards cover the whole hash key space");
    core.commit_row(stream, after, transaction).await
}

/// Children of one generation.
struct Births {
    row: StreamRow,
    now: Timestamp,
    logs: std::vec::IntoIter<LogId>,
    children: Vec<ShardRow>,
}

impl Births {
    fn add(&mut self, step: &Step, closed: &[ShardRow]) {
        let parent = |index| closed.iter().find(|shard| shard.index == index).expect("parents of steps are closed");
        match *step {
            Step::Split { shard, at } => {
                let parent = parent(shard);
                let HashKeyRange { start, end } = parent.range;
                assert!(start < at && at <= end, "shards are cut inside their range");
                self.child(HashKeyRange { start, end: HashKey(at.0 - 1) }, parent, None);
                self.child(HashKeyRange { start: at, end }, parent, None);
            }
            Step::Merge { shard, adjacent } => {
                let (parent, adjacent) = (parent(shard), parent(adjacent));
                let range = parent.range.join(&adjacent.range).or_else(|| adjacent.range.join(&parent.range));
                self.child(range.expect("merged shards are neighbours"), parent, Some(adjacent));
            }
        }
    }

    fn child(&mut self, range: HashKeyRange, parent: &ShardRow, adjacent: Option<&ShardRow>) {
        let parents_created = adjacent.map_or(0, |adjacent| adjacent.created_seconds).max(parent.created_seconds);
        let now_seconds = u64::try_from(self.now.seconds()).unwrap_or(0);
        self.children.push(ShardRow {
            index: ShardIndex(self.row.next_shard),
            log: self.logs.next().expect("a log was reserved for every child"),
            range,
            opened_at: self.now,
            created_seconds: now_seconds.max(parents_created) + 1,
            parent: Some(parent.index),
            adjacent_parent: adjacent.map(|adjacent| adjacent.index),
            closed: None,
        });
        self.row.next_shard += 1;
    }
}
