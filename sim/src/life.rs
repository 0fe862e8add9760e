//! One simulated life, from a seed: the server starts, is used, meets trouble, and is looked at in the end.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::*;
use base::ids::ShardIndex;
use client::KinesisClient;
use store::shard_log::Durability;
use testkit::history::ShardDescription;
use tokio::runtime::{Builder, RngSeed};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::check::{FinalShard, check};
use crate::operator::{LOOK, Operator, served};
use crate::panics;
use crate::plan::Plan;
use crate::trouble;
use crate::workload::{self, admin, list_shards, seen, text};
use crate::world::{World, caller};

/// A life that takes longer hangs.
const LIFE_MAX: Duration = Duration::from_secs(3600);
/// How long the server may take to serve again when all trouble is over.
const RECOVERY_MAX: Duration = Duration::from_secs(120);

/// How a life went.
#[derive(Debug)]
pub struct Outcome {
    pub seed: u64,
    /// Broken promises, in words.
    pub violations: Vec<String>,
    /// The end of the trace.
    pub trace: Vec<String>,
    pub trace_hash: u64,
    pub trace_lines: u64,
    pub acknowledged: usize,
    pub read: usize,
}

/// Lines of the trace that are kept unless said otherwise.
pub const TRACE_LINES: usize = 120;

/// Lives one life; keeps the last lines of its trace.
///
/// # Panics
/// When no runtime can be made.
#[must_use]
pub fn live(plan: Plan, trace_lines_max: usize) -> Outcome {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .rng_seed(RngSeed::from_bytes(&plan.seed.to_le_bytes()))
        .build()
        .expect("a runtime");
    let seed = plan.seed;
    panics::forget();
    let (world, mut violations) = runtime.block_on(async {
        let world = World::new(plan, trace_lines_max);
        let lived = timeout(LIFE_MAX, run(&world)).await;
        let violations = lived.unwrap_or_else(|_| vec![format!("the life has not ended within {LIFE_MAX:?}")]);
        (world, violations)
    });
    drop(runtime);
    violations.extend(panics::take().into_iter().map(|panic| format!("panic: {panic}")));
    let (mut acknowledged, mut read) = (0, 0);
    world.all_ledgers(|_, ledger| {
        acknowledged += ledger.puts.iter().filter(|put| put.acknowledged.is_some()).count();
        read += ledger.runs.iter().map(|run| run.records.len()).sum::<usize>();
    });
    let trace = &world.trace;
    let (trace_hash, trace_lines) = (trace.hash(), trace.count());
    Outcome { seed, violations, trace: trace.tail(), trace_hash, trace_lines, acknowledged, read }
}

async fn run(world: &Arc<World>) -> Vec<String> {
    world.note("plan", format_args!("{:?}", world.plan));
    let (tell, mut told) = mpsc::unbounded_channel();
    let operator = Operator::begin(world, tell);
    let lived = tokio::select! {
        biased;
        Some(violation) = told.recv() => vec![violation],
        violations = use_and_look(world, &operator) => violations,
    };
    world.note("life", format_args!("ends"));
    lived
}

async fn use_and_look(world: &Arc<World>, operator: &Operator) -> Vec<String> {
    workload::create_lasting(world).await;
    let troubles = tokio::spawn(trouble::run(Arc::clone(world), operator.clone()));
    let mut programs = workload::start(world);
    let mut violations = Vec::new();
    while let Some(ended) = programs.join_next().await {
        if ended.is_err() {
            violations.push("a program has panicked".to_owned());
        }
    }
    if troubles.await.is_err() {
        violations.push("the trouble maker has panicked".to_owned());
    }
    world.note("life", format_args!("all trouble is over"));
    if world.disk.mend() {
        // What was read wrongly stays so in nobody's memory.
        world.note("life", format_args!("the disk is mended"));
    }
    // The operator looks once more, and starts a server again that has failed.
    sleep(LOOK + Duration::from_millis(1)).await;
    violations.extend(look(world, operator).await);
    if world.plan.log.is_on_disk && violations.is_empty() {
        match world.plan.log.durability {
            Durability::Sync => world.lose_power(0),
            Durability::Interval(_) | Durability::None => world.kill(),
        }
        // The operator notices first.
        sleep(Duration::from_millis(1)).await;
        violations.extend(look(world, operator).await);
    }
    violations
}

/// Reads everything there is and checks it.
async fn look(world: &Arc<World>, operator: &Operator) -> Vec<String> {
    if !served(operator, RECOVERY_MAX).await {
        return vec![format!("the server does not serve within {RECOVERY_MAX:?}")];
    }
    let latest = world.clock.latest();
    world.all_ledgers(|_, ledger| ledger.pass(latest));
    let client = world.client(0, Duration::from_secs(60));
    let mut violations = Vec::new();
    for stream in world.plan.streams() {
        if world.ledger(stream, |ledger| ledger.current()).is_none() {
            continue;
        }
        let settled = workload::settle(world, stream);
        if timeout(RECOVERY_MAX, settled).await.is_err() {
            violations.push(format!("{stream} does not come to rest within {RECOVERY_MAX:?}"));
        }
        match timeout(RECOVERY_MAX, read_all(world, &client, stream)).await {
            Ok(Ok(shards)) => {
                let broken = world.ledger(stream, |ledger| check(ledger, &shards));
                violations.extend(broken.into_iter().map(|what| format!("{stream}: {what}")));
                let records: usize = shards.iter().map(|shard| shard.records.len()).sum();
                world.note("look", format_args!("{stream}: {} shards, {records} records", shards.len()));
            }
            Ok(Err(error)) => violations.push(format!("{stream} cannot be read: {}", text(&error))),
            Err(_) => violations.push(format!("{stream} cannot be read within {RECOVERY_MAX:?}")),
        }
    }
    violations
}

async fn read_all(
    world: &World,
    client: &KinesisClient,
    stream: &'static str,
) -> Result<Vec<FinalShard>, KinesisError> {
    let mut shards = Vec::new();
    for shard in list_shards(client, stream).await? {
        let records = read_shard(world, client, stream, &shard).await?;
        let index = |id: &base::ByteString| id.parse::<ShardIndex>().expect("shards have ids");
        let parents = [&shard.parent_shard_id, &shard.adjacent_parent_shard_id];
        let description = ShardDescription {
            shard: index(&shard.shard_id),
            range: admin::range(&shard),
            parents: parents.into_iter().flatten().map(index).collect(),
            is_closed: shard.sequence_number_range.ending_sequence_number.is_some(),
        };
        shards.push(FinalShard { description, records });
    }
    Ok(shards)
}

async fn read_shard(
    world: &World,
    client: &KinesisClient,
    stream: &'static str,
    shard: &Shard,
) -> Result<Vec<crate::ledger::Seen>, KinesisError> {
    let input = GetShardIteratorInput {
        stream_name: Some(stream.into()),
        shard_id: shard.shard_id.clone(),
        shard_iterator_type: ShardIteratorType::TrimHorizon,
        ..GetShardIteratorInput::default()
    };
    let mut iterator = client.get_shard_iterator(&caller(), input).await?.shard_iterator;
    let mut records = Vec::new();
    while let Some(shard_iterator) = iterator {
        let input = GetRecordsInput { shard_iterator, ..GetRecordsInput::default() };
        let output = client.get_records(&caller(), input).await?;
        let (count, behind) = (output.records.len(), output.millis_behind_latest);
        world.note("look", format_args!("{count} records of {stream} {}, {behind:?} ms behind", shard.shard_id));
        let is_end = output.records.is_empty() && output.millis_behind_latest == Some(0);
        records.extend(output.records.into_iter().map(seen));
        iterator = output.next_shard_iterator.filter(|_| !is_end);
    }
    Ok(records)
}
