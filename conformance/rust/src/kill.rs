//! kill -9 under load: writers put and a resharder splits and merges, the server is killed, thirty times over.
//!
//! The history of all rounds is checked: every acknowledged record is present once, at its number, in order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{EncryptionType, PutRecordsRequestEntry, Shard};
use base::hash_key::HashKeyRange;
use base::ids::ShardIndex;
use testkit::history::{Attempt, History, ReadRecord, Summary, check_tiling};

use crate::sdk::{connect, make_stream, read, wait_active};
use crate::server::Server;

const STREAM: &str = "history";
const ROUNDS: u64 = 30;
const WRITERS: u64 = 6;
const OPEN_SHARDS_MAX: usize = 6;
/// Between two requests of one writer, so that the history stays small enough to be read back often.
const PAUSE: Duration = Duration::from_millis(2);
/// Rounds between two checks of everything.
const CHECK_EVERY: u64 = 5;

type Shared = Arc<Mutex<History>>;

pub(crate) async fn run() -> (usize, usize) {
    let mut server = Server::start();
    make_stream(&connect(&server.endpoint()), STREAM, 2).await;
    let (history, numbers) = (Shared::default(), Arc::new(AtomicU64::new(0)));
    let (mut passed, mut failed) = (0, 0);
    for round in 1..=ROUNDS {
        let resharded = load(&mut server, round, &history, &numbers).await;
        let started = Instant::now();
        server.restart();
        let restart_ms = started.elapsed().as_millis();
        if !round.is_multiple_of(CHECK_EVERY) {
            println!("round {round}: {resharded} reshards, restart in {restart_ms} ms");
            passed += 1;
            continue;
        }
        match check(&connect(&server.endpoint()), &history).await {
            Ok(summary) => {
                println!("round {round}: {resharded} reshards, restart in {restart_ms} ms, {summary:?}");
                passed += 1;
            }
            Err(message) => {
                println!("round {round}: FAILED\n{message}");
                failed += 1;
                break;
            }
        }
    }
    let panicked = server.said().contains("panicked");
    println!("{} no panic in any round", if panicked { "FAILED" } else { "ok" });
    (passed + usize::from(!panicked), failed + usize::from(panicked))
}

/// Runs writers and a resharder for a while, kills the server under them, and waits until they have noticed.
async fn load(server: &mut Server, round: u64, history: &Shared, numbers: &Arc<AtomicU64>) -> usize {
    let client = connect(&server.endpoint());
    wait_active(&client, STREAM).await;
    encrypt(&client, round).await;
    let writers: Vec<_> =
        (0..WRITERS).map(|_| tokio::spawn(write(client.clone(), history.clone(), numbers.clone()))).collect();
    let resharder = tokio::spawn(reshard(client, round));
    // Another moment in every round, from 60 ms to 640 ms.
    tokio::time::sleep(Duration::from_millis(60 + round * 7919 % 580)).await;
    server.kill();
    for writer in writers {
        writer.await.expect("a writer does not panic");
    }
    resharder.await.expect("the resharder does not panic")
}

/// The middle third of the rounds is encrypted at rest.
async fn encrypt(client: &Client, round: u64) {
    let (kind, key) = (EncryptionType::Kms, "alias/aws/kinesis");
    if round == ROUNDS / 3 {
        let start = client.start_stream_encryption().stream_name(STREAM).encryption_type(kind).key_id(key);
        start.send().await.expect("encryption starts");
    } else if round == ROUNDS * 2 / 3 {
        let stop = client.stop_stream_encryption().stream_name(STREAM).encryption_type(kind).key_id(key);
        stop.send().await.expect("encryption stops");
    }
    wait_active(client, STREAM).await;
}

/// Puts requests of 1 to 20 records until one is not answered.
async fn write(client: Client, history: Shared, numbers: Arc<AtomicU64>) {
    loop {
        let first = numbers.fetch_add(20, Ordering::Relaxed);
        let count = 1 + first / 20 % 20;
        let records: Vec<(String, String)> = (first..first + count)
            .map(|number| (format!("key-{}", number % 997), format!("record-{number}")))
            .collect();
        let attempts: Vec<Attempt> = {
            let mut history = history.lock().expect("nothing panics while it holds the lock");
            records.iter().map(|(key, data)| history.invoke(key.clone(), data.clone().into_bytes())).collect()
        };
        let entries = records.iter().map(|(key, data)| {
            let entry = PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data.as_bytes()));
            entry.build().expect("an entry")
        });
        let answer = client.put_records().stream_name(STREAM).set_records(Some(entries.collect())).send().await;
        let Ok(answer) = answer else { return };
        assert_eq!(answer.records().len(), attempts.len());
        {
            let mut history = history.lock().expect("nothing panics while it holds the lock");
            for (attempt, result) in attempts.into_iter().zip(answer.records()) {
                if let Some(number) = result.sequence_number() {
                    history.acknowledge(attempt, number.parse().expect("a sequence number"));
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Splits while there are few open shards, merges while there are many, until the server is gone.
async fn reshard(client: Client, round: u64) -> usize {
    let mut done = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let Ok(shards) = list(&client).await else { return done };
        let mut open: Vec<&Shard> = shards.iter().filter(|shard| is_open(shard)).collect();
        open.sort_by_key(|shard| range(shard).start);
        let at = usize::try_from(round).expect("rounds are few") + done;
        let outcome = if open.len() < OPEN_SHARDS_MAX && (at % 2 == 0 || open.len() < 2) {
            let shard = open[at % open.len()];
            let HashKeyRange { start, end } = range(shard);
            let middle = start.0 + (end.0 - start.0) / 2 + 1;
            let split = client.split_shard().stream_name(STREAM).shard_to_split(shard.shard_id());
            split.new_starting_hash_key(middle.to_string()).send().await.is_ok()
        } else {
            let at = at % (open.len() - 1);
            let merge = client.merge_shards().stream_name(STREAM).shard_to_merge(open[at].shard_id());
            merge.adjacent_shard_to_merge(open[at + 1].shard_id()).send().await.is_ok()
        };
        done += usize::from(outcome);
    }
}

/// Reads everything back and checks it against the history.
async fn check(client: &Client, history: &Shared) -> Result<Summary, String> {
    wait_active(client, STREAM).await;
    let shards = list(client).await.map_err(|()| "shards cannot be listed".to_owned())?;
    let open: Vec<HashKeyRange> = shards.iter().filter(|shard| is_open(shard)).map(range).collect();
    check_tiling(&open).map_err(|violation| violation.to_string())?;
    let mut found: HashMap<ShardIndex, Vec<ReadRecord>> = HashMap::new();
    for shard in &shards {
        let records = read(client, STREAM, shard.shard_id()).await.into_iter().map(|record| ReadRecord {
            sequence: record.sequence_number().parse().expect("a sequence number"),
            partition_key: record.partition_key().unwrap_or_default().into(),
            arrival: record.approximate_arrival_timestamp().and_then(|at| at.to_millis().ok()),
            data: record.data.into_inner().into(),
        });
        found.insert(shard.shard_id().parse().expect("a shard id"), records.collect());
    }
    let mut history = history.lock().expect("nothing panics while it holds the lock");
    for (shard, records) in found {
        history.read(shard, records);
    }
    history.check().map_err(|violations| {
        let shown: Vec<String> = violations.iter().take(20).map(ToString::to_string).collect();
        format!("{} violations, among them\n{}", violations.len(), shown.join("\n"))
    })
}

async fn list(client: &Client) -> Result<Vec<Shard>, ()> {
    let (mut shards, mut token) = (Vec::new(), None);
    loop {
        let call = client.list_shards();
        let call = if token.is_none() { call.stream_name(STREAM) } else { call.set_next_token(token) };
        let page = call.send().await.map_err(|_| ())?;
        shards.extend(page.shards.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            return Ok(shards);
        }
    }
}

fn is_open(shard: &Shard) -> bool {
    shard.sequence_number_range().is_none_or(|range| range.ending_sequence_number().is_none())
}

fn range(shard: &Shard) -> HashKeyRange {
    let range = shard.hash_key_range().expect("a shard has a range");
    HashKeyRange {
        start: range.starting_hash_key().parse().expect("a hash key"),
        end: range.ending_hash_key().parse().expect("a hash key"),
    }
}
