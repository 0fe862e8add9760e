//! What every [`ShardLog`] must do.

use std::sync::Arc;
use std::time::Duration;

use base::time::{Clock, ManualClock, Timestamp};

use crate::record_batch::{RecordBatch, RecordBatchBuilder};
use crate::shard_log::{
    Append, LogBounds, LogError, LogId, LogOptions, Position, ReadLimit, Refused, ShardLog, SharedShardLog,
    StoredRecord,
};

const OPTIONS: LogOptions = LogOptions { retention: Duration::from_secs(3600), closed: false };
const LIMIT: ReadLimit = ReadLimit { records: 10_000, bytes: 10 << 20 };

/// Runs every check, each on a fresh, empty engine that takes its time from the given clock.
pub async fn check_all(make: impl Fn(Arc<ManualClock>) -> SharedShardLog) {
    let fresh = || {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        (make(Arc::clone(&clock)), clock)
    };
    reads_what_was_appended(&*fresh().0).await;
    groups_answer_each_append(&*fresh().0).await;
    limits_are_kept(&*fresh().0).await;
    let (log, clock) = fresh();
    time_is_found_and_never_decreases(&*log, &clock).await;
    closing_refuses_and_can_be_taken_back(&*fresh().0).await;
    watchers_see_the_end(&*fresh().0).await;
    removed_logs_are_gone(&*fresh().0).await;
    let (log, clock) = fresh();
    young_records_stay(&*log, &clock).await;
    writers_do_not_mix(fresh().0).await;
}

/// A batch of records with the given data, each with the partition key `k<data>`.
#[must_use]
pub fn batch(data: &[&str]) -> RecordBatch {
    let mut builder = RecordBatchBuilder::with_capacity(data.len(), data.iter().map(|d| 2 * d.len() + 1).sum());
    for data in data {
        builder.push(&format!("k{data}"), data.as_bytes());
    }
    builder.build()
}

async fn append(log: &dyn ShardLog, id: u64, data: &[&str]) -> Position {
    let appends = vec![Append { log: LogId(id), records: batch(data), encrypted: false }];
    log.append(appends).await.expect("append")[0].expect("accepted").first
}

fn data(records: &[StoredRecord]) -> Vec<&str> {
    records.iter().map(|record| std::str::from_utf8(&record.data).expect("text")).collect()
}

async fn reads_what_was_appended(log: &dyn ShardLog) {
    assert_eq!(log.bounds(LogId(1)), Err(LogError::NotFound));
    log.open(LogId(1), OPTIONS);
    let empty = LogBounds { first: Position(0), next: Position(0), last_arrival: None };
    assert_eq!(log.bounds(LogId(1)), Ok(empty));
    assert_eq!(log.read(LogId(1), Position(0), LIMIT).await.expect("read").records, []);
    assert_eq!(append(log, 1, &["a", "b"]).await, Position(0));
    assert_eq!(append(log, 1, &["c"]).await, Position(2));
    let appends = vec![Append { log: LogId(1), records: batch(&["d"]), encrypted: true }];
    log.append(appends).await.expect("append")[0].expect("accepted");
    let run = log.read(LogId(1), Position(0), LIMIT).await.expect("read");
    assert_eq!(data(&run.records), ["a", "b", "c", "d"]);
    assert_eq!(run.next, Position(4));
    for (i, record) in run.records.iter().enumerate() {
        assert_eq!(record.position, Position(i as u64));
        assert_eq!(record.partition_key.as_bytes()[..], [b"k", &record.data[..]].concat()[..]);
        assert_eq!(record.encrypted, i == 3);
    }
    let run = log.read(LogId(1), Position(1), LIMIT).await.expect("read");
    assert_eq!(data(&run.records), ["b", "c", "d"]);
    for beyond in [4, 5, u64::MAX] {
        let run = log.read(LogId(1), Position(beyond), LIMIT).await.expect("read");
        assert_eq!((run.records.len(), run.next), (0, Position(beyond)));
    }
    let bounds = log.bounds(LogId(1)).expect("bounds");
    assert_eq!((bounds.first, bounds.next), (Position(0), Position(4)));
    assert!(bounds.last_arrival.is_some());
}

async fn groups_answer_each_append(log: &dyn ShardLog) {
    log.open(LogId(1), OPTIONS);
    log.open(LogId(2), LogOptions { closed: true, ..OPTIONS });
    log.open(LogId(4), OPTIONS);
    let one = |id: u64, text: &str| Append { log: LogId(id), records: batch(&[text]), encrypted: false };
    let answer = log.append(vec![one(1, "a"), one(2, "x"), one(3, "x"), one(4, "b"), one(1, "c")]).await;
    let answer = answer.expect("append");
    assert_eq!(answer[1], Err(Refused::Closed));
    assert_eq!(answer[2], Err(Refused::NotFound));
    let firsts: Vec<_> = [0, 3, 4].map(|i| answer[i].expect("accepted").first).to_vec();
    assert_eq!(firsts, [Position(0), Position(0), Position(1)]);
    let run = log.read(LogId(1), Position(0), LIMIT).await.expect("read");
    assert_eq!(data(&run.records), ["a", "c"]);
    assert_eq!(log.append(Vec::new()).await, Ok(Vec::new()));
    assert_eq!(log.append(vec![one(3, "x")]).await, Ok(vec![Err(Refused::NotFound)]));
}

async fn limits_are_kept(log: &dyn ShardLog) {
    log.open(LogId(1), OPTIONS);
    append(log, 1, &["aaaa", "bbbb"]).await;
    append(log, 1, &["cccc", "dddd"]).await;
    let read = async |from: u64, records: usize, bytes: usize| {
        log.read(LogId(1), Position(from), ReadLimit { records, bytes }).await.expect("read")
    };
    // A record counts as 9: its data of 4 and its partition key of 5.
    for (limit, expected) in [((3, 1000), 3), ((10, 18), 2), ((10, 26), 2), ((10, 27), 3), ((10, 1), 1), ((0, 100), 0)]
    {
        let run = read(0, limit.0, limit.1).await;
        assert_eq!(run.records.len(), expected, "{limit:?}");
        assert_eq!(run.next, Position(expected as u64), "{limit:?}");
    }
    assert_eq!(data(&read(3, 10, 1).await.records), ["dddd"]);
}

async fn time_is_found_and_never_decreases(log: &dyn ShardLog, clock: &ManualClock) {
    log.open(LogId(1), OPTIONS);
    let start = clock.now();
    let at = |seconds: u64| start.plus(Duration::from_secs(seconds));
    assert_eq!(log.find(LogId(1), start).await, Ok(Position(0)));
    append(log, 1, &["a", "b"]).await;
    clock.set(at(10));
    append(log, 1, &["c"]).await;
    clock.set(at(5));
    append(log, 1, &["d"]).await;
    clock.set(at(20));
    append(log, 1, &["e"]).await;
    let run = log.read(LogId(1), Position(0), LIMIT).await.expect("read");
    let arrivals: Vec<_> = run.records.iter().map(|record| record.arrival).collect();
    assert_eq!(arrivals, [at(0), at(0), at(10), at(10), at(20)]);
    for (seconds, expected) in [(0, 0), (1, 2), (10, 2), (11, 4), (20, 4), (21, 5)] {
        assert_eq!(log.find(LogId(1), at(seconds)).await, Ok(Position(expected)), "{seconds} s");
    }
    assert_eq!(log.find(LogId(1), Timestamp::from_millis(0)).await, Ok(Position(0)));
    assert_eq!(log.bounds(LogId(1)).expect("bounds").last_arrival, Some(at(20)));
    assert_eq!(log.find(LogId(2), start).await, Err(LogError::NotFound));
}

async fn closing_refuses_and_can_be_taken_back(log: &dyn ShardLog) {
    log.open(LogId(1), OPTIONS);
    append(log, 1, &["a"]).await;
    let bounds = log.close(LogId(1)).await.expect("close");
    assert_eq!((bounds.first, bounds.next), (Position(0), Position(1)));
    let one = || vec![Append { log: LogId(1), records: batch(&["x"]), encrypted: false }];
    assert_eq!(log.append(one()).await, Ok(vec![Err(Refused::Closed)]));
    assert_eq!(log.read(LogId(1), Position(0), LIMIT).await.expect("read").records.len(), 1);
    log.open(LogId(1), OPTIONS);
    assert_eq!(append(log, 1, &["b"]).await, Position(1));
    assert_eq!(log.close(LogId(9)).await, Err(LogError::NotFound));
}

async fn watchers_see_the_end(log: &dyn ShardLog) {
    assert!(log.watch(LogId(1)).is_err());
    log.open(LogId(1), OPTIONS);
    append(log, 1, &["a"]).await;
    let mut watch = log.watch(LogId(1)).expect("watch");
    assert_eq!(*watch.borrow_and_update(), Position(1));
    append(log, 1, &["b", "c"]).await;
    tokio::time::timeout(Duration::from_secs(5), watch.changed()).await.expect("told in time").expect("log lives");
    assert_eq!(*watch.borrow_and_update(), Position(3));
    drop(watch);
    append(log, 1, &["d"]).await;
    assert_eq!(*log.watch(LogId(1)).expect("watch").borrow(), Position(4));
}

async fn removed_logs_are_gone(log: &dyn ShardLog) {
    log.open(LogId(1), OPTIONS);
    append(log, 1, &["a"]).await;
    let mut watch = log.watch(LogId(1)).expect("watch");
    log.remove(LogId(1));
    assert_eq!(log.bounds(LogId(1)), Err(LogError::NotFound));
    assert_eq!(log.read(LogId(1), Position(0), LIMIT).await, Err(LogError::NotFound));
    let closed = async { while watch.changed().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(5), closed).await.expect("watchers of a removed log are told");
    log.remove(LogId(1));
}

async fn young_records_stay(log: &dyn ShardLog, clock: &ManualClock) {
    log.open(LogId(1), OPTIONS);
    append(log, 1, &["a"]).await;
    clock.advance(OPTIONS.retention / 2);
    append(log, 1, &["b"]).await;
    clock.advance(OPTIONS.retention / 2 + Duration::from_secs(1));
    let run = log.read(LogId(1), Position(0), LIMIT).await.expect("read");
    // "a" may be gone; "b" must be there.
    assert_eq!(run.records.last().map(|record| record.position), Some(Position(1)));
    assert_eq!(append(log, 1, &["c"]).await, Position(2));
}

/// Many writers over a few logs: every record is there once, each writer's in the order in which it wrote them.
async fn writers_do_not_mix(log: SharedShardLog) {
    const WRITERS: u64 = 8;
    const ROUNDS: u64 = 50;
    for id in 0..4 {
        log.open(LogId(id), OPTIONS);
    }
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let log = Arc::clone(&log);
        tasks.push(tokio::spawn(async move { write_rounds(&*log, writer, ROUNDS).await }));
    }
    for task in tasks {
        task.await.expect("writer");
    }
    let mut records = 0;
    for id in 0..4 {
        let mut from = Position(0);
        let mut last_round = [None; WRITERS as usize];
        loop {
            let run = log.read(LogId(id), from, ReadLimit { records: 7, bytes: 100 }).await.expect("read");
            if run.records.is_empty() {
                break;
            }
            for record in &run.records {
                assert_eq!(record.position, from, "positions have no gaps");
                from.0 += 1;
                records += 1;
                let text = std::str::from_utf8(&record.data).expect("text");
                let (writer, round) = text.split_once('-').expect("writer-round");
                let (writer, round): (usize, u64) = (writer.parse().expect("n"), round.parse().expect("n"));
                assert!(last_round[writer] < Some(round), "order of writer {writer}");
                last_round[writer] = Some(round);
            }
        }
        assert_eq!(log.bounds(LogId(id)).expect("bounds").next, from);
    }
    assert_eq!(records, WRITERS * ROUNDS * 2);
}

async fn write_rounds(log: &dyn ShardLog, writer: u64, rounds: u64) {
    for round in 0..rounds {
        let records = batch(&[&format!("{writer}-{round}")]);
        let appends = [round % 4, (round + 1) % 4].map(|id| Append {
            log: LogId(id),
            records: records.clone(),
            encrypted: writer.is_multiple_of(2),
        });
        let answer = log.append(appends.to_vec()).await.expect("append");
        for (appended, id) in answer.into_iter().zip([round % 4, (round + 1) % 4]) {
            let first = appended.expect("accepted").first;
            assert!(log.bounds(LogId(id)).expect("bounds").next > first, "acknowledged is visible");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryLog;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn memory_engine() {
        check_all(|clock| Arc::new(MemoryLog::new(clock))).await;
    }

    #[tokio::test]
    async fn memory_engine_keeps_its_budget() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let log = MemoryLog::with_budget(clock, 10_000);
        log.open(LogId(1), OPTIONS);
        log.open(LogId(2), OPTIONS);
        for i in 0..100 {
            append(&log, 1 + i % 2, &["x".repeat(500).as_str()]).await;
        }
        for id in [1, 2] {
            let bounds = log.bounds(LogId(id)).expect("bounds");
            assert_eq!(bounds.next, Position(50));
            assert!((43..50).contains(&bounds.first.0), "{bounds:?}");
            let run = log.read(LogId(id), Position(0), LIMIT).await.expect("read");
            assert_eq!(run.records.first().map(|record| record.position), Some(bounds.first));
        }
    }
}
