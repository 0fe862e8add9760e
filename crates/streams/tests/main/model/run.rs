//! Takes steps with the service and with the model, and compares their answers.

use std::collections::BTreeMap;
use std::time::Duration;

use base::ByteString;
use base::hash_key::{HashKey, HashKeyRange};
use base::ids::ShardIndex;
use base::time::Timestamp;
use testkit::model::{self, Filter, Model, NewRecord, ShardView, Start};

use super::server::{Engines, Served, Server, children, records};
use super::steps::{Cut, KEYS, Listed, Number, Place, Put, STREAMS, Step};

/// 2023-11-14T22:13:20.250Z.
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_250);
/// Open shards of all streams.
const SHARDS_MAX: u32 = 12;

/// A service and its model.
pub struct Run {
    model: Model,
    server: Server,
    /// All iterators that were handed out, as the model and as the service have them.
    iterators: Vec<(model::ShardIterator, ByteString)>,
    /// The time of each step.
    moments: Vec<Timestamp>,
}

/// The model's answer in the form of the service's.
fn said<T>(answer: model::Answer<T>) -> Served<T> {
    answer.map_err(|refusal| refusal.code().to_owned())
}

impl Run {
    pub async fn start(engines: Box<dyn Engines>, transition_delay: Duration) -> Self {
        Self {
            model: Model::new(NOW, transition_delay, SHARDS_MAX as usize),
            server: Server::start(engines, NOW, transition_delay, SHARDS_MAX).await,
            iterators: Vec::new(),
            moments: vec![NOW],
        }
    }

    /// Takes all steps, and looks at everything in the end and after a restart.
    pub async fn take_all(mut self, steps: &[Step]) {
        for step in steps {
            self.take(step).await;
            self.moments.push(self.model.now());
        }
        for restarted in [false, true] {
            if restarted {
                self.server.restart().await;
            }
            for stream in STREAMS {
                self.look(stream).await;
                self.read_all(stream).await;
            }
        }
    }

    /// # Panics
    /// When service and model do not answer the same.
    async fn take(&mut self, step: &Step) {
        match step {
            Step::Put { stream, records } => {
                let records: Vec<NewRecord> = records.iter().map(new_record).collect();
                let served = self.server.put_records(stream, &records).await;
                assert_eq!(served, said(self.model.put_records(stream, &records)), "{step:?}");
            }
            Step::PutOne { stream, record, ordering } => self.put_one(stream, record, *ordering).await,
            Step::Iterator { stream, shard, start } => self.iterator(stream, *shard, start).await,
            Step::Get { iterator, limit } => self.get(*iterator, *limit).await,
            Step::Subscribe { stream, consumer, shard, start } => {
                self.subscribe(stream, consumer, *shard, start).await;
            }
            Step::ListShards { stream, filter, page } => {
                let filter = self.filter(stream, filter);
                let served = self.server.list_shards(stream, filter, *page).await;
                assert_eq!(served, said(self.model.list_shards(stream, filter)), "{step:?}");
            }
            Step::Look { stream } => self.look(stream).await,
            Step::Advance { by } => {
                self.model.advance(*by);
                self.server.advance(*by).await;
            }
            Step::Restart => self.server.restart().await,
            Step::Create { .. }
            | Step::Delete { .. }
            | Step::Split { .. }
            | Step::Merge { .. }
            | Step::Scale { .. } => {
                self.reshape(step).await;
            }
            Step::Retain { .. }
            | Step::Register { .. }
            | Step::Deregister { .. }
            | Step::Tag { .. }
            | Step::Untag { .. }
            | Step::Encrypt { .. }
            | Step::Decrypt { .. } => self.settle(step).await,
        }
    }

    /// Steps that change which streams and shards there are.
    async fn reshape(&mut self, step: &Step) {
        let Self { model, server, .. } = self;
        match step {
            Step::Create { stream, shards } => {
                let served = server.create_stream(stream, *shards).await;
                assert_eq!(served, said(model.create_stream(stream, *shards)), "{step:?}");
            }
            Step::Delete { stream, even_with_consumers } => {
                let served = server.delete_stream(stream, *even_with_consumers).await;
                assert_eq!(served, said(model.delete_stream(stream, *even_with_consumers)), "{step:?}");
            }
            Step::Split { stream, shard, at } => {
                let shards = model.shards_ever(stream);
                let shard = pick(&shards, *shard);
                let at = cut(at, shards.iter().find(|it| it.index == shard).map(|it| it.range));
                let served = server.split_shard(stream, shard, at).await;
                assert_eq!(served, said(model.split_shard(stream, shard, at)), "{step:?}");
            }
            Step::Merge { stream, shard, is_upper_first, is_neighbour } => {
                let shards = model.shards_ever(stream);
                let (one, other) = pair(&shards, *shard, *is_neighbour);
                let (one, other) = if *is_upper_first { (other, one) } else { (one, other) };
                let served = server.merge_shards(stream, one, other).await;
                assert_eq!(served, said(model.merge_shards(stream, one, other)), "{step:?}");
            }
            Step::Scale { stream, percent } => {
                let open = model.shards_ever(stream).iter().filter(|shard| shard.ending_number.is_none()).count();
                let target = (open * percent / 100).max(1);
                let served = server.update_shard_count(stream, target).await;
                assert_eq!(served, said(model.update_shard_count(stream, target)), "{step:?}");
            }
            _ => unreachable!("other steps go elsewhere"),
        }
    }

    /// Steps that change what is set of a stream.
    async fn settle(&mut self, step: &Step) {
        let Self { model, server, .. } = self;
        let (served, expected) = match step {
            Step::Retain { stream, hours, is_increase: true } => {
                (server.change_retention(stream, *hours, true).await, model.increase_retention(stream, *hours))
            }
            Step::Retain { stream, hours, is_increase: false } => {
                (server.change_retention(stream, *hours, false).await, model.decrease_retention(stream, *hours))
            }
            Step::Register { stream, consumer } => (
                server.register_stream_consumer(stream, consumer).await,
                model.register_stream_consumer(stream, consumer),
            ),
            Step::Deregister { stream, consumer } => (
                server.deregister_stream_consumer(stream, consumer).await,
                model.deregister_stream_consumer(stream, consumer),
            ),
            Step::Tag { stream, tags } => {
                let are_valid = tags.iter().all(|(key, _)| key.len() == 1);
                let tags: BTreeMap<String, String> =
                    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
                (server.add_tags(stream, &tags).await, model.add_tags(stream, &tags, are_valid))
            }
            Step::Untag { stream, keys } => {
                let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
                (server.remove_tags(stream, &keys).await, model.remove_tags(stream, &keys))
            }
            Step::Encrypt { stream, key } => {
                let expected = model.start_encryption(stream, key, *key == KEYS[0]);
                (server.start_encryption(stream, key).await, expected)
            }
            Step::Decrypt { stream, key } => {
                (server.stop_encryption(stream, key).await, model.stop_encryption(stream, *key == KEYS[0]))
            }
            _ => unreachable!("other steps go elsewhere"),
        };
        assert_eq!(served, said(expected), "{step:?}");
    }

    async fn put_one(&mut self, stream: &str, record: &Put, ordering: Option<usize>) {
        let record = new_record(record);
        let numbers = self.model.numbers(stream);
        // Any number that was handed out by the stream will do.
        let ordering = ordering.filter(|_| !numbers.is_empty()).map(|n| numbers[n % numbers.len()].to_string());
        let served = self.server.put_record(stream, &record, ordering).await;
        let expected = said(self.model.put_records(stream, std::slice::from_ref(&record)));
        assert_eq!(served, expected.map(|stored| stored[0]), "{stream}: {record:?}");
    }

    async fn iterator(&mut self, stream: &str, shard: usize, start: &Place) {
        let shard = pick(&self.model.shards_ever(stream), shard);
        let start = self.start_of(stream, shard, start);
        let served = self.server.get_shard_iterator(stream, shard, &start).await;
        match (served, said(self.model.get_shard_iterator(stream, shard, &start))) {
            (Ok(token), Ok(iterator)) => self.iterators.push((iterator, token)),
            (served, expected) => assert_eq!(served.map(drop), expected.map(drop), "{stream} {shard} {start:?}"),
        }
    }

    async fn get(&mut self, iterator: usize, limit: usize) {
        if self.iterators.is_empty() {
            return;
        }
        // The latest ones are the most likely ones.
        let back = iterator % self.iterators.len().min(if iterator.is_multiple_of(4) { usize::MAX } else { 3 });
        let (iterator, token) = self.iterators[self.iterators.len() - 1 - back].clone();
        if let Some(next) = self.get_with(&iterator, &token, limit).await {
            self.iterators.push(next);
        }
    }

    /// Reads once; answers the next iterator.
    async fn get_with(
        &mut self,
        iterator: &model::ShardIterator,
        token: &ByteString,
        limit: usize,
    ) -> Option<(model::ShardIterator, ByteString)> {
        let expected = said(self.model.get_records(iterator, limit));
        match (self.server.get_records(token, limit).await, expected) {
            (Ok(served), Ok(expected)) => {
                assert_eq!(records(served.records), expected.records, "{iterator:?}");
                assert_eq!(served.millis_behind_latest, Some(expected.millis_behind), "{iterator:?}");
                assert_eq!(served.child_shards.map(children), expected.children, "{iterator:?}");
                assert_eq!(served.next_shard_iterator.is_some(), expected.next.is_some(), "{iterator:?}");
                expected.next.zip(served.next_shard_iterator)
            }
            (served, expected) => {
                assert_eq!(served.map(drop), expected.map(drop), "{iterator:?}");
                None
            }
        }
    }

    async fn subscribe(&mut self, stream: &str, consumer: &str, shard: usize, start: &Place) {
        let shard = pick(&self.model.shards_ever(stream), shard);
        let start = self.start_of(stream, shard, start);
        let consumers = self.model.consumers(stream).unwrap_or_default();
        let created = consumers.iter().find(|(name, ..)| name == consumer).map_or(0, |(_, _, at)| at.seconds());
        let served = self.server.subscribe_to_shard(stream, (consumer, created), shard, &start).await;
        let expected = said(self.model.subscribe_to_shard(stream, (consumer, created), shard, &start));
        assert_eq!(served, expected, "{stream} {shard} {start:?}");
    }

    async fn look(&self, stream: &str) {
        let Self { model, server, .. } = self;
        assert_eq!(server.streams().await, model.streams());
        assert_eq!(server.summary(stream).await, said(model.summary(stream)), "{stream}");
        assert_eq!(server.consumers(stream).await, said(model.consumers(stream)), "{stream}");
        assert_eq!(server.tags(stream).await, said(model.tags(stream)), "{stream}");
        let all = Filter::FromTrimHorizon;
        assert_eq!(server.list_shards(stream, all, 10_000).await, said(model.list_shards(stream, all)), "{stream}");
    }

    /// Reads every shard from its beginning to its end.
    async fn read_all(&mut self, stream: &str) {
        for shard in self.model.shards_ever(stream) {
            let start = Start::TrimHorizon;
            let served = self.server.get_shard_iterator(stream, shard.index, &start).await;
            let expected = said(self.model.get_shard_iterator(stream, shard.index, &start));
            let (Ok(mut token), Ok(mut iterator)) = (served, expected) else { continue };
            loop {
                let reading = self.model.get_records(&iterator, 7).expect("the iterator is new");
                let Some(next) = self.get_with(&iterator, &token, 7).await else { break };
                if reading.records.is_empty() {
                    break;
                }
                (iterator, token) = next;
            }
        }
    }

    fn start_of(&self, stream: &str, shard: ShardIndex, place: &Place) -> Start {
        match place {
            Place::TrimHorizon => Start::TrimHorizon,
            Place::Latest => Start::Latest,
            Place::At(number) => Start::AtSequenceNumber(self.number(stream, shard, number)),
            Place::After(number) => Start::AfterSequenceNumber(self.number(stream, shard, number)),
            Place::Time(step, millis) => Start::AtTimestamp(self.moment(*step, *millis)),
        }
    }

    fn number(&self, stream: &str, shard: ShardIndex, number: &Number) -> String {
        let shards = self.model.shards_ever(stream);
        let view = shards.iter().find(|it| it.index == shard);
        let mut numbers = self.model.numbers(stream);
        let found = match number {
            Number::OfShard(n) => {
                numbers.retain(|number| number.shard == shard);
                numbers.get(n % numbers.len().max(1)).copied()
            }
            Number::OfStream(n) => numbers.get(n % numbers.len().max(1)).copied(),
            Number::ShardStart => view.map(|view| view.starting_number),
            Number::ShardEnd => view.and_then(|view| view.ending_number),
            Number::Nonsense => None,
        };
        found.map_or_else(|| "4959".to_owned(), |number| number.to_string())
    }

    fn moment(&self, step: usize, millis: i64) -> Timestamp {
        Timestamp::from_millis(self.moments[step % self.moments.len()].millis() + millis)
    }

    fn filter(&self, stream: &str, listed: &Listed) -> Filter {
        match listed {
            Listed::FromTrimHorizon => Filter::FromTrimHorizon,
            Listed::AtTrimHorizon => Filter::AtTrimHorizon,
            Listed::AtLatest => Filter::AtLatest,
            Listed::AfterShard(shard) => Filter::AfterShard(pick(&self.model.shards_ever(stream), *shard)),
            Listed::AtTime(step, millis) => Filter::AtTimestamp(self.moment(*step, *millis)),
            Listed::FromTime(step, millis) => Filter::FromTimestamp(self.moment(*step, *millis)),
        }
    }
}

fn new_record(put: &Put) -> NewRecord {
    let partition_key = format!("key {}", put.key);
    NewRecord { partition_key, explicit_hash_key: put.explicit.clone(), data: put.data.clone() }
}

/// A shard; now and then one that does not exist. Open ones are preferred.
fn pick(shards: &[ShardView], n: usize) -> ShardIndex {
    let open: Vec<&ShardView> = shards.iter().filter(|shard| shard.ending_number.is_none()).collect();
    match n % 8 {
        0 => ShardIndex((n / 8 % (shards.len() + 1)) as u32),
        _ => open.get(n / 8 % open.len().max(1)).map_or(ShardIndex(0), |shard| shard.index),
    }
}

/// Two shards to merge.
fn pair(shards: &[ShardView], n: usize, are_neighbours: bool) -> (ShardIndex, ShardIndex) {
    let mut open: Vec<&ShardView> = shards.iter().filter(|shard| shard.ending_number.is_none()).collect();
    open.sort_by_key(|shard| shard.range.start);
    match &open[..] {
        [_, _, ..] if are_neighbours => {
            let lower = n % (open.len() - 1);
            (open[lower].index, open[lower + 1].index)
        }
        _ => (pick(shards, n), pick(shards, n / 64)),
    }
}

fn cut(at: &Cut, range: Option<HashKeyRange>) -> HashKey {
    let HashKeyRange { start, end } = range.unwrap_or(HashKeyRange::ALL);
    HashKey(match at {
        Cut::Part(part) => start.0 + (end.0 - start.0) / 256 * u128::from(*part),
        Cut::Start(distance) => start.0.saturating_add(*distance),
        Cut::End(distance) => end.0.saturating_sub(*distance),
    })
}
