//! The buffer against a model of a stream that throttles and is resharded, and the producer's own limits.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use api::kinesis::{PutRecordsRequestEntry, PutRecordsRequestEntryList, Shard};
use base::Bytes;
use base::hash_key::{HashKey, HashKeyRange};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wire::kpl::{UserRecord, deaggregate};

use super::buffer::{Buffer, Failure, Sent, Step};
use super::error::PutError;
use super::metrics::Counters;
use super::receipt::{Placed, Receipt};
use super::settings::Settings;
use super::shard_map::{ShardMap, tests::shard};
use crate::failure::Retry;

/// A stream that keeps what consumers with the ranges of their shards would see.
struct Stream {
    shards: Vec<(String, HashKeyRange, bool)>,
    seen: Vec<UserRecord>,
    records: usize,
}

impl Stream {
    fn new() -> Self {
        let mut stream = Self { shards: Vec::new(), seen: Vec::new(), records: 0 };
        HashKeyRange::uniform(2).into_iter().for_each(|range| stream.open(range));
        stream
    }

    fn open(&mut self, range: HashKeyRange) {
        self.shards.push((format!("shard-{}", self.shards.len()), range, true));
    }

    fn map(&self) -> ShardMap {
        let shards: Vec<Shard> = self.shards.iter().map(|(id, range, is_open)| shard(id, *range, *is_open)).collect();
        ShardMap::of(&shards).expect("no gap")
    }

    fn take(&mut self, sent: &mut Sent) -> Placed {
        let mut records = PutRecordsRequestEntryList::new();
        sent.parcel.pack(&mut records);
        self.put(records.get(0).expect("a parcel is a record"))
    }

    fn put(&mut self, entry: PutRecordsRequestEntry<'_>) -> Placed {
        let key = entry.explicit_hash_key.map(|key| key.parse().expect("a hash key"));
        let key: HashKey = key.unwrap_or_else(|| HashKey::of(entry.partition_key));
        let (id, range, _) = self.shards.iter().find(|(_, range, open)| *open && range.contains(key)).expect("no gap");
        match deaggregate(&Bytes::copy_from_slice(entry.data)) {
            // As KCL does: one stranger, and the whole record is passed over.
            Some(records) if records.iter().all(|record| range.contains(record.hash_key())) => {
                self.seen.extend(records);
            }
            Some(_) => {}
            None => self.seen.push(UserRecord {
                partition_key: entry.partition_key.into(),
                explicit_hash_key: None,
                data: Bytes::copy_from_slice(entry.data),
            }),
        }
        self.records += 1;
        Placed {
            shard_id: id.as_str().into(),
            sequence_number: self.records.to_string().into(),
            sub_sequence_number: 0,
        }
    }

    fn split(&mut self, index: usize) {
        let (_, range, is_open) = &mut self.shards[index];
        let middle = HashKey(range.start.0 + (range.end.0 - range.start.0) / 2 + 1);
        if let Some((lower, upper)) = range.split(middle).filter(|_| *is_open) {
            *is_open = false;
            self.open(lower);
            self.open(upper);
        }
    }

    fn merge(&mut self, index: usize) {
        let lower = self.shards[index].1;
        let upper = self.shards.iter().position(|(_, range, open)| *open && lower.join(range).is_some());
        if let Some(upper) = upper.filter(|_| self.shards[index].2) {
            let whole = lower.join(&self.shards[upper].1).expect("found as such");
            self.shards[index].2 = false;
            self.shards[upper].2 = false;
            self.open(whole);
        }
    }
}

/// Numbers that look random and depend on a seed alone.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % end as u64).expect("below a usize")
    }
}

fn buffer(settings: Settings, map: ShardMap) -> (Buffer, Arc<Counters>, Arc<Semaphore>) {
    let (counters, room) = (Arc::<Counters>::default(), Arc::new(Semaphore::new(0)));
    (Buffer::new(settings, map, Arc::clone(&counters), Arc::clone(&room)), counters, room)
}

fn record(number: usize) -> UserRecord {
    UserRecord {
        partition_key: format!("key-{}", number % 23).into(),
        explicit_hash_key: None,
        data: format!("{number}:{}", "x".repeat(number % 40)).into(),
    }
}

fn poll(receipt: &mut Receipt) -> Option<Result<Placed, PutError>> {
    match Pin::new(receipt).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// Answers a request: some records are throttled.
fn answer(stream: &mut Stream, random: &mut Random, mut batch: Vec<Sent>) -> Vec<(Sent, Result<Placed, Failure>)> {
    let results: Vec<_> = batch
        .iter_mut()
        .map(|sent| match random.below(5) {
            0 => Err(Failure::Passing { kind: Retry::Throttled, text: "slow".to_owned() }),
            _ => Ok(stream.take(sent)),
        })
        .collect();
    batch.into_iter().zip(results).collect()
}

/// One whole life: returns the stream and the receipts in the order of the records.
fn live(seed: u64, is_ordered: bool, count: usize) -> (Stream, Vec<Receipt>) {
    let (mut stream, mut random) = (Stream::new(), Random(seed));
    let settings = Settings { aggregate_bytes_max: 300, is_ordered, ..Settings::default() };
    let (mut buffer, ..) = buffer(settings, stream.map());
    let (mut now, mut receipts, mut under_way) = (Instant::now(), Vec::new(), Vec::new());
    for _ in 0..100_000 {
        if receipts.len() < count && random.below(3) > 0 {
            let record = record(receipts.len());
            receipts.push(buffer.accept(&record, record.hash_key(), now).expect("not closed").receipt);
        } else if receipts.len() == count {
            buffer.close();
        }
        if random.below(60) == 0 && receipts.len() < count {
            let index = random.below(stream.shards.len());
            if random.below(2) == 0 { stream.split(index) } else { stream.merge(index) }
        }
        if random.below(4) == 0 && !under_way.is_empty() {
            let batch = under_way.swap_remove(random.below(under_way.len()));
            buffer.settle(answer(&mut stream, &mut random, batch), now);
        }
        match buffer.step(now, under_way.len()) {
            Step::Send(batch) => under_way.push(batch),
            Step::Refresh => buffer.reroute(stream.map()),
            Step::Wait(_) => now += Duration::from_millis(10),
            Step::Done => return (stream, receipts),
        }
    }
    panic!("seed {seed} does not come to an end");
}

fn number(record: &UserRecord) -> usize {
    let text = std::str::from_utf8(&record.data).expect("text");
    text.split(':').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn everything_is_stored_whatever_happens_to_the_shards() {
    for seed in 0..12 {
        for is_ordered in [false, true] {
            let (stream, mut receipts) = live(seed, is_ordered, 600);
            for (number, receipt) in receipts.iter_mut().enumerate() {
                let outcome = poll(receipt);
                assert!(matches!(outcome, Some(Ok(_))), "seed {seed}, record {number}: {outcome:?}");
            }
            let mut seen: Vec<usize> = stream.seen.iter().map(number).collect();
            for found in &stream.seen {
                assert_eq!(*found, record(number(found)), "seed {seed}");
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..600).collect::<Vec<_>>(), "seed {seed}");
        }
    }
}

#[test]
fn ordered_keys_keep_their_order() {
    for seed in 0..16 {
        let (stream, _) = live(seed, true, 600);
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        for record in &stream.seen {
            let number = number(record);
            let before = last.insert(&record.partition_key, number);
            assert!(before.is_none_or(|before| before < number), "seed {seed}: {number} after {before:?}");
        }
    }
}

/// Sends what waits and answers it.
fn exchange(buffer: &mut Buffer, stream: &mut Stream, now: Instant) {
    while let Step::Send(mut batch) = buffer.step(now, 0) {
        let results: Vec<_> = batch.iter_mut().map(|sent| Ok(stream.take(sent))).collect();
        buffer.settle(batch.into_iter().zip(results).collect(), now);
    }
}

#[test]
fn records_of_one_shard_travel_together_and_alone_they_are_plain() {
    let mut stream = Stream::new();
    let (mut buffer, counters, room) = buffer(Settings::default(), stream.map());
    let now = Instant::now();
    let key = HashKey::MIN;
    let at = |data: &'static str| UserRecord { explicit_hash_key: Some(key), data: data.into(), ..record(0) };
    let mut receipts: Vec<_> = ["a", "b"].map(|data| buffer.accept(&at(data), key, now).expect("open").receipt).into();
    assert!(matches!(buffer.step(now, 0), Step::Wait(Some(at)) if at == now + Duration::from_millis(100)));
    let later = now + Duration::from_millis(100);
    exchange(&mut buffer, &mut stream, later);
    receipts.push(buffer.accept(&at("c"), key, later).expect("open").receipt);
    buffer.flush();
    exchange(&mut buffer, &mut stream, later);
    let placed: Vec<_> = receipts.iter_mut().map(|receipt| poll(receipt).expect("resolved").expect("stored")).collect();
    let places: Vec<_> = placed.iter().map(|at| (&*at.sequence_number, at.sub_sequence_number)).collect();
    assert_eq!(places, [("1", 0), ("1", 1), ("2", 0)]);
    assert_eq!(room.available_permits(), 3 * (5 + 1 + 64));
    let metrics = counters.snapshot();
    assert_eq!((metrics.user_records_stored, metrics.kinesis_records_stored, metrics.user_bytes_stored), (3, 2, 18));
}

#[test]
fn an_ordered_shard_collects_while_it_is_busy() {
    let mut stream = Stream::new();
    let settings = Settings { is_ordered: true, ..Settings::default() };
    let (mut buffer, counters, _) = buffer(settings, stream.map());
    let mut now = Instant::now();
    let at = |number| UserRecord { explicit_hash_key: Some(HashKey::MIN), ..record(number) };
    let put = |buffer: &mut Buffer, number, now| drop(buffer.accept(&at(number), HashKey::MIN, now));
    put(&mut buffer, 0, now);
    now += Duration::from_secs(1);
    let Step::Send(mut batch) = buffer.step(now, 0) else { panic!("the first one lingers no more") };
    for number in 1..4 {
        put(&mut buffer, number, now);
        now += Duration::from_secs(1);
        assert!(matches!(buffer.step(now, 1), Step::Wait(None)), "the shard is busy");
    }
    let results: Vec<_> = batch.iter_mut().map(|sent| Ok(stream.take(sent))).collect();
    buffer.settle(batch.into_iter().zip(results).collect(), now);
    exchange(&mut buffer, &mut stream, now);
    assert_eq!(counters.snapshot().kinesis_records_stored, 2);
    assert_eq!(stream.seen.iter().map(number).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn what_fails_for_too_long_or_for_good_is_given_up() {
    let stream = Stream::new();
    let (mut buffer, counters, _) = buffer(Settings::default(), stream.map());
    let mut now = Instant::now();
    let first = record(1);
    let mut receipt = buffer.accept(&first, first.hash_key(), now).expect("open").receipt;
    while poll(&mut receipt).is_none() {
        match buffer.step(now, 0) {
            Step::Send(batch) => {
                let slow = || Err(Failure::Passing { kind: Retry::Throttled, text: "slow".to_owned() });
                buffer.settle(batch.into_iter().map(|sent| (sent, slow())).collect(), now);
            }
            // Nothing to wait for: it was just given up.
            Step::Wait(until) => now = until.unwrap_or(now),
            _ => panic!("nothing else is to be done"),
        }
    }
    let expired = PutError::Expired { seconds: 30, last: "slow".to_owned() };
    assert_eq!(poll(&mut receipt), Some(Err(expired)));
    assert!(counters.snapshot().throttled_retries >= 15);

    let mut receipt = buffer.accept(&first, first.hash_key(), now).expect("open").receipt;
    buffer.flush();
    // Its lane still pauses after the failures.
    now += Duration::from_secs(3);
    let Step::Send(batch) = buffer.step(now, 0) else { panic!("there is something to send") };
    let error = api::kinesis::KinesisError::resource_not_found("gone");
    let lasting = batch.into_iter().map(|sent| (sent, Err(Failure::Lasting(error.clone())))).collect();
    buffer.settle(lasting, now);
    assert_eq!(poll(&mut receipt), Some(Err(PutError::Refused(error))));
    assert_eq!(counters.snapshot().user_records_failed, 2);
}
