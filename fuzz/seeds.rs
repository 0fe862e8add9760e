//! Writes inputs that the engines make themselves into the corpus. For use after a change of a persisted format:
//! `RUSTFLAGS=-Copt-level=1 cargo run --example seeds`, because programs with coverage need libFuzzer around them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use api::kinesis::*;
use auth::AccessKeys;
use futures_util::FutureExt as _;
use fuzz::directory::{self, PlainKey, RETENTION};
use fuzz::world::{NOW, STREAM, STREAM_ARN, World};
use store::catalog::Catalog as _;
use store::memory::MemoryCatalog;
use store::record_batch::RecordBatchBuilder;
use store::shard_log::{Append, LogId, LogOptions, ShardLog as _};

fn main() {
    let dir = fuzz::place("seeds");
    directories(&dir);
    std::fs::remove_dir_all(&dir).expect("the directory is ours");
    rows();
}

fn write(target: &str, name: &str, input: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder).expect("the corpus can be written");
    std::fs::write(folder.join(name), input).expect("the corpus can be written");
}

/// The log at several moments of its life, with the number of frames that each run writes.
fn directories(dir: &Path) {
    for (name, runs) in [("empty", &[0][..]), ("one-run", &[2]), ("two-runs", &[1, 1]), ("sealed", &[6, 1])] {
        directory::make(dir, &BTreeMap::new());
        for frames in runs {
            run(dir, *frames, name);
        }
        write("data_directory", &format!("{name}-ended"), &directory::describe(dir));
    }
}

/// Opens the directory and appends to two logs, to one of them encrypted.
fn run(dir: &Path, frames: u8, name: &str) {
    let log = directory::open(dir).expect("the directory opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let logs = [LogId(1), LogId(2)];
    for id in logs {
        log.open(id, LogOptions { retention: RETENTION, closed: false });
    }
    for frame in 0..frames {
        runtime.block_on(log.append(logs.map(|log| append(log, frame)).to_vec())).expect("room for a record");
    }
    write("data_directory", &format!("{name}-cut-off"), &directory::describe(dir));
    log.maintain();
}

fn append(log: LogId, number: u8) -> Append {
    let mut records = RecordBatchBuilder::default();
    records.push("key", &[number; 3]);
    records.push("", b"");
    Append { log, records: records.build(), encrypted: log.0 == 2 }
}

/// A catalog with a row of every kind, and catalogs of streams in the middle of a change.
fn rows() {
    let catalog = Arc::new(MemoryCatalog::new());
    let world = World::with_stream(catalog.clone());
    world.runtime.block_on(fill(&world));
    let keys = AccessKeys::new(catalog.clone(), Arc::new(PlainKey));
    let created = keys.create(world.caller.account.clone(), NOW).now_or_never().expect("memory does not wait");
    created.expect("room for a key");
    write("rows", "all", &describe(&catalog));
    for change in ["split", "merge", "scale", "create", "delete"] {
        let catalog = Arc::new(MemoryCatalog::new());
        drop(World::with_stream(catalog.clone()));
        let world = World::start_slow(catalog.clone(), Duration::from_secs(60)).expect("the service starts");
        world.runtime.block_on(begin(&world, change));
        write("rows", change, &describe(&catalog));
    }
}

/// The input that a catalog is made of.
fn describe(catalog: &MemoryCatalog) -> Vec<u8> {
    let rows = catalog.scan("", None, usize::MAX).now_or_never().expect("memory does not wait").expect("rows");
    let mut all = Vec::new();
    for (key, row) in rows {
        all.push(u8::try_from(key.len()).expect("keys are short"));
        all.extend_from_slice(key.as_bytes());
        all.extend_from_slice(&u16::try_from(row.value.len()).expect("rows are short").to_le_bytes());
        all.extend_from_slice(&row.value);
    }
    all
}

/// Begins a change that is not done at once.
async fn begin(world: &World, change: &str) {
    let World { streams, caller, .. } = world;
    let name = || Some(STREAM.into());
    let begun = match change {
        "split" => {
            let (shard, at) = ("0".into(), "1000".into());
            let input = SplitShardInput {
                stream_name: name(),
                shard_to_split: shard,
                new_starting_hash_key: at,
                ..SplitShardInput::default()
            };
            streams.split_shard(caller, input).await.map(drop)
        }
        "merge" => {
            let (shard, adjacent) = ("0".into(), "1".into());
            let input = MergeShardsInput {
                stream_name: name(),
                shard_to_merge: shard,
                adjacent_shard_to_merge: adjacent,
                ..MergeShardsInput::default()
            };
            streams.merge_shards(caller, input).await.map(drop)
        }
        "scale" => {
            let input = UpdateShardCountInput {
                stream_name: name(),
                target_shard_count: 3,
                scaling_type: ScalingType::UniformScaling,
                ..UpdateShardCountInput::default()
            };
            streams.update_shard_count(caller, input).await.map(drop)
        }
        "create" => {
            let input = CreateStreamInput { stream_name: "t".into(), shard_count: Some(1), ..Default::default() };
            streams.create_stream(caller, input).await.map(drop)
        }
        _ => {
            let enforce_consumer_deletion = Some(true);
            let input = DeleteStreamInput { stream_name: name(), enforce_consumer_deletion, ..Default::default() };
            streams.delete_stream(caller, input).await.map(drop)
        }
    };
    begun.expect("nothing stands in the way");
}

async fn fill(world: &World) {
    let World { streams, caller, .. } = world;
    let (name, arn) = (|| Some(STREAM.into()), || STREAM_ARN.into());
    let split = SplitShardInput {
        stream_name: name(),
        shard_to_split: "0".into(),
        new_starting_hash_key: "1000".into(),
        ..SplitShardInput::default()
    };
    streams.split_shard(caller, split).await.expect("a split");
    let tags = [("a".into(), "1".into())].into();
    let tag = AddTagsToStreamInput { stream_name: name(), tags, ..AddTagsToStreamInput::default() };
    streams.add_tags_to_stream(caller, tag).await.expect("a tag");
    let policy = r#"{"Statement":[]}"#.into();
    let put = PutResourcePolicyInput { resource_arn: arn(), policy, ..PutResourcePolicyInput::default() };
    streams.put_resource_policy(caller, put).await.expect("a policy");
    let start = StartStreamEncryptionInput {
        stream_name: name(),
        encryption_type: EncryptionType::Kms,
        key_id: "alias/aws/kinesis".into(),
        ..StartStreamEncryptionInput::default()
    };
    streams.start_stream_encryption(caller, start).await.expect("encryption");
    let commit = UpdateAccountSettingsInput {
        minimum_throughput_billing_commitment: MinimumThroughputBillingCommitmentInput {
            status: MinimumThroughputBillingCommitmentInputStatus::Enabled,
        },
    };
    streams.update_account_settings(caller, commit).await.expect("a commitment");
    let create = CreateStreamInput { stream_name: "d".into(), ..CreateStreamInput::default() };
    streams.create_stream(caller, create).await.expect("a stream on demand");
}
