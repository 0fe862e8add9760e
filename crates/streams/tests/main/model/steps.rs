//! What happens to a service, and in which proportions. Streams, shards, numbers and iterators are picked by a number
//! that is taken modulo what there is.

use proptest::prelude::*;
use proptest::sample::select;

#[derive(Debug, Clone)]
pub enum Step {
    Create { stream: &'static str, shards: u32 },
    Delete { stream: &'static str, even_with_consumers: bool },
    Split { stream: &'static str, shard: usize, at: Cut },
    Merge { stream: &'static str, shard: usize, is_upper_first: bool, is_neighbour: bool },
    Scale { stream: &'static str, percent: usize },
    Put { stream: &'static str, records: Vec<Put> },
    PutOne { stream: &'static str, record: Put, ordering: Option<usize> },
    Iterator { stream: &'static str, shard: usize, start: Place },
    Get { iterator: usize, limit: usize },
    Subscribe { stream: &'static str, consumer: &'static str, shard: usize, start: Place },
    Retain { stream: &'static str, hours: u32, is_increase: bool },
    Advance { millis: u64 },
    Restart,
    Register { stream: &'static str, consumer: &'static str },
    Deregister { stream: &'static str, consumer: &'static str },
    Tag { stream: &'static str, tags: Vec<(&'static str, &'static str)> },
    Untag { stream: &'static str, keys: Vec<&'static str> },
    Encrypt { stream: &'static str, key: &'static str },
    Decrypt { stream: &'static str, key: &'static str },
    ListShards { stream: &'static str, filter: Listed, page: i32 },
    Look { stream: &'static str },
}

/// A record.
#[derive(Debug, Clone)]
pub struct Put {
    pub key: u8,
    pub explicit: Option<String>,
    pub data: Vec<u8>,
}

/// Where a shard is cut.
#[derive(Debug, Clone)]
pub enum Cut {
    /// At so many 256ths of its range.
    Part(u8),
    /// So far behind its first key.
    Start(u128),
    /// So far before its last key.
    End(u128),
}

/// Where a reader begins.
#[derive(Debug, Clone)]
pub enum Place {
    TrimHorizon,
    Latest,
    At(Number),
    After(Number),
    /// The time of an earlier step, and so many milliseconds.
    Time(usize, i64),
}

#[derive(Debug, Clone)]
pub enum Number {
    /// Of a record of the shard, if it has any.
    OfShard(usize),
    OfStream(usize),
    ShardStart,
    ShardEnd,
    Nonsense,
}

#[derive(Debug, Clone)]
pub enum Listed {
    FromTrimHorizon,
    AtTrimHorizon,
    AtLatest,
    AfterShard(usize),
    AtTime(usize, i64),
    FromTime(usize, i64),
}

pub const STREAMS: [&str; 3] = ["a", "b", "c"];
pub const CONSUMERS: [&str; 7] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6"];
pub const KEYS: [&str; 2] = ["alias/aws/kinesis", "no key"];
/// The last two break the rules.
const TAGS: [(&str, &str); 6] = [("a", "1"), ("b", "2"), ("b", ""), ("c", "3"), ("AWS:d", "4"), ("e;", "5")];

const HOUR: u64 = 3_600_000;

/// A life of a service, in about so many steps.
pub fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), count / 2..count)
}

/// The first stream is used more than the others, so that much happens to it.
fn stream() -> impl Strategy<Value = &'static str> {
    prop_oneof![5 => Just(STREAMS[0]), 1 => select(&STREAMS[..])]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        22 => records(),
        18 => readers(),
        12 => shards(),
        8 => lifecycles(),
        10 => time(),
        12 => others(),
    ]
}

fn put() -> impl Strategy<Value = Put> {
    let explicit = prop_oneof![
        6 => Just(None),
        2 => any::<u128>().prop_map(|key| Some(key.to_string())),
        1 => select(vec!["x", "340282366920938463463374607431768211456"]).prop_map(|key| Some(key.to_owned())),
    ];
    let data = proptest::collection::vec(any::<u8>(), 0..6);
    (0u8..40, explicit, data).prop_map(|(key, explicit, data)| Put { key, explicit, data })
}

fn records() -> impl Strategy<Value = Step> {
    prop_oneof![
        (stream(), proptest::collection::vec(put(), 1..20)).prop_map(|(stream, records)| Step::Put { stream, records }),
        (stream(), put(), any::<Option<usize>>()).prop_map(|(stream, record, ordering)| Step::PutOne {
            stream,
            record,
            ordering
        }),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        6 => any::<usize>().prop_map(Number::OfShard),
        2 => any::<usize>().prop_map(Number::OfStream),
        1 => select(vec![Number::ShardStart, Number::ShardEnd, Number::Nonsense]),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::TrimHorizon),
        Just(Place::Latest),
        number().prop_map(Place::At),
        number().prop_map(Place::After),
        (any::<usize>(), -2i64..3).prop_map(|(step, millis)| Place::Time(step, millis)),
    ]
}

fn readers() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (stream(), any::<usize>(), place()).prop_map(|(stream, shard, start)| Step::Iterator { stream, shard, start }),
        6 => (any::<usize>(), prop_oneof![1usize..4, Just(10_000)])
            .prop_map(|(iterator, limit)| Step::Get { iterator, limit }),
        2 => (stream(), select(&CONSUMERS[..2]), any::<usize>(), place())
            .prop_map(|(stream, consumer, shard, start)| Step::Subscribe { stream, consumer, shard, start }),
    ]
}

fn shards() -> impl Strategy<Value = Step> {
    let cut = prop_oneof![
        4 => any::<u8>().prop_map(Cut::Part),
        1 => (0u128..4).prop_map(Cut::Start),
        1 => (0u128..3).prop_map(Cut::End),
    ];
    let listed = prop_oneof![
        Just(Listed::FromTrimHorizon),
        Just(Listed::AtTrimHorizon),
        Just(Listed::AtLatest),
        any::<usize>().prop_map(Listed::AfterShard),
        (any::<usize>(), -2i64..3).prop_map(|(step, millis)| Listed::AtTime(step, millis)),
        (any::<usize>(), -2i64..3).prop_map(|(step, millis)| Listed::FromTime(step, millis)),
    ];
    prop_oneof![
        2 => (stream(), any::<usize>(), cut).prop_map(|(stream, shard, at)| Step::Split { stream, shard, at }),
        2 => (stream(), any::<usize>(), any::<bool>(), prop::bool::weighted(0.8)).prop_map(
            |(stream, shard, is_upper_first, is_neighbour)| Step::Merge { stream, shard, is_upper_first, is_neighbour }
        ),
        2 => (stream(), 40usize..220).prop_map(|(stream, percent)| Step::Scale { stream, percent }),
        3 => (stream(), listed, prop_oneof![1i32..5, Just(10_000)])
            .prop_map(|(stream, filter, page)| Step::ListShards { stream, filter, page }),
    ]
}

fn lifecycles() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (stream(), 1u32..6).prop_map(|(stream, shards)| Step::Create { stream, shards }),
        1 => (stream(), any::<bool>())
            .prop_map(|(stream, even_with_consumers)| Step::Delete { stream, even_with_consumers }),
        1 => Just(Step::Restart),
    ]
}

fn time() -> impl Strategy<Value = Step> {
    let millis = prop_oneof![
        6 => 0u64..2500,
        // Iterators live for five minutes.
        2 => 299_999u64..300_002,
        2 => (0u64..10).prop_map(|hours| hours * HOUR),
        1 => 23 * HOUR..25 * HOUR,
    ];
    millis.prop_map(|millis| Step::Advance { millis })
}

fn others() -> impl Strategy<Value = Step> {
    let tags = proptest::collection::vec(select(&TAGS[..]), 1..4);
    let keys = proptest::collection::vec(select(vec!["a", "b", "c"]), 1..3);
    prop_oneof![
        1 => (stream(), select(vec![23u32, 24, 25, 30, 48, 168, 8760, 8761]), any::<bool>())
            .prop_map(|(stream, hours, is_increase)| Step::Retain { stream, hours, is_increase }),
        2 => (stream(), select(&CONSUMERS[..])).prop_map(|(stream, consumer)| Step::Register { stream, consumer }),
        1 => (stream(), select(&CONSUMERS[..])).prop_map(|(stream, consumer)| Step::Deregister { stream, consumer }),
        1 => (stream(), tags).prop_map(|(stream, tags)| Step::Tag { stream, tags }),
        1 => (stream(), keys).prop_map(|(stream, keys)| Step::Untag { stream, keys }),
        1 => (stream(), select(&KEYS[..])).prop_map(|(stream, key)| Step::Encrypt { stream, key }),
        1 => (stream(), select(&KEYS[..])).prop_map(|(stream, key)| Step::Decrypt { stream, key }),
        2 => stream().prop_map(|stream| Step::Look { stream }),
    ]
}
