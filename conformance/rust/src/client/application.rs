//! Three workers share a stream that the producer fills while it is split and merged and one worker vanishes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::ByteString;
use client::consumer::InitialPosition;
use client::{Consumer, Producer};

use super::log::{Log, Logger, record};
use super::session::{Session, wait_for};
use crate::server::Server;

const STREAM: &str = "stream";
const APPLICATION: &str = "application";
const RECORDS: usize = 200_000;
const FAILOVER: Duration = Duration::from_millis(1500);

type Shared = Arc<Mutex<Log>>;

pub(super) async fn run(fan_out: bool) -> Result<String, String> {
    let server = Server::start();
    let session = Session::open(&server);
    session.make_stream(STREAM, 8).await;
    let log = Shared::default();
    let read = |log: &Shared, of: fn(&Log) -> usize| of(&log.lock().expect("nothing panics while it holds the lock"));

    let first = start(&session, "worker-0", fan_out, &log).await;
    wait_for("lease for each shard", async || is_shared(&session, &["worker-0"]).await).await?;
    let second = start(&session, "worker-1", fan_out, &log).await;
    let third = start(&session, "worker-2", fan_out, &log).await;
    let all = ["worker-0", "worker-1", "worker-2"];
    wait_for("balance of three", async || is_shared(&session, &all).await).await?;
    wait_for("handover of five leases", async || read(&log, |log| log.handed_over) >= 5).await?;
    if read(&log, |log| log.lost) > 0 {
        return Err("a lease was lost although all workers live".to_owned());
    }

    let producer = Producer::builder(session.kinesis.clone(), STREAM).ordered(true).linger(Duration::from_millis(10));
    let producer = producer.start().await.map_err(|error| error.to_string())?;
    let failed = |message| format!("{message}: {:?}", producer.metrics());
    put(&producer, 0..RECORDS / 3).await.map_err(failed)?;
    let (_, _, putting) = tokio::join!(
        async {
            session.split_first(STREAM).await;
            session.merge_last(STREAM).await;
            // Splits and then merges what the splits have made.
            session.resize(STREAM, 12).await;
        },
        async { drop(first) },
        put(&producer, RECORDS / 3..RECORDS)
    );
    putting.map_err(failed)?;
    let moved = producer.metrics().user_records_moved;
    producer.close().await;

    // Of three the split and the merge, of eight the resize at least.
    wait_for("end of eleven shards", async || read(&log, |log| log.ended) >= 11).await?;
    wait_for("record", async || read(&log, |log| log.distinct) >= RECORDS).await?;
    wait_for("balance of two", async || is_shared(&session, &["worker-1", "worker-2"]).await).await?;
    tokio::join!(second.stop(), third.stop());
    if session.owners(APPLICATION).await.values().any(Option::is_some) {
        return Err("leases are still owned after the workers have stopped".to_owned());
    }
    let log = log.lock().expect("nothing panics while it holds the lock");
    if log.problems.is_empty() {
        let Log { distinct, repeated, handed_over, ended, .. } = &*log;
        Ok(format!(
            "{distinct} records, {repeated} repeated, {moved} moved, {handed_over} handovers, {ended} shards ended"
        ))
    } else {
        let shown: Vec<String> = log.problems.iter().take(10).cloned().collect();
        Err(format!("{} problems, among them {}", log.problems.len(), shown.join(", ")))
    }
}

async fn start(session: &Session, worker: &'static str, fan_out: bool, log: &Shared) -> Consumer {
    let builder = Consumer::builder(session.kinesis.clone(), session.dynamodb.clone(), APPLICATION, STREAM)
        .worker_id(worker)
        .initial_position(InitialPosition::TrimHorizon)
        .failover(FAILOVER)
        .idle(Duration::from_millis(50));
    let builder = if fan_out { builder.fan_out(APPLICATION) } else { builder };
    let log = Arc::clone(log);
    builder.start(move |_| Logger(Arc::clone(&log))).await.expect("a consumer starts")
}

/// Puts the records of these numbers and waits until all are stored.
async fn put(producer: &Producer, numbers: std::ops::Range<usize>) -> Result<(), String> {
    let mut receipts = Vec::with_capacity(numbers.len());
    for number in numbers {
        receipts.push(producer.send(record(number)).await.map_err(|error| error.to_string())?);
    }
    for receipt in receipts {
        receipt.await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Whether these workers share the leases of all open shards evenly.
async fn is_shared(session: &Session, workers: &[&'static str]) -> bool {
    let owners = session.owners(APPLICATION).await;
    let open: BTreeSet<ByteString> =
        session.open_shards(STREAM).await.into_iter().map(|shard| shard.shard_id).collect();
    let mut counts: BTreeMap<ByteString, usize> = workers.iter().map(|worker| ((*worker).into(), 0)).collect();
    for owner in owners.values() {
        let Some(count) = owner.as_ref().and_then(|owner| counts.get_mut(owner)) else { return false };
        *count += 1;
    }
    let (most, least) = (counts.values().max(), counts.values().min());
    let is_even = most.zip(least).is_some_and(|(most, least)| most - least <= 1);
    is_even && open.iter().eq(owners.keys())
}
