//! What happens to a service, and in which proportions. A step is made of a few numbers; streams, shards, sequence numbers
//! and iterators are picked by a number that is taken modulo what there is.

use std::time::Duration;

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
    Advance { by: Duration },
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
const HOURS: [u32; 8] = [23, 24, 25, 30, 48, 168, 8760, 8761];
const HOUR_MILLIS: u64 = 3_600_000;

/// What one step is made of.
pub type Numbers = [u16; 8];

/// Numbers one after the other; zeros when there are no more.
struct Choices<'a>(&'a [u16]);

impl Choices<'_> {
    fn number(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first)
    }

    fn below(&mut self, end: usize) -> usize {
        self.number() % end
    }

    fn is(&mut self) -> bool {
        self.below(2) == 1
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// The first stream is used more than the others, so that much happens to it.
    fn stream(&mut self) -> &'static str {
        STREAMS[self.below(18).saturating_sub(15)]
    }

    /// So many milliseconds before or after something.
    fn near(&mut self) -> i64 {
        self.below(5) as i64 - 2
    }

    fn put(&mut self) -> Put {
        let (key, explicit) = (self.below(40), self.number());
        let explicit = match explicit % 10 {
            0..7 => None,
            // Spread over all keys.
            7 | 8 => Some((u128::MAX / 6553 * (explicit as u128 / 10)).to_string()),
            _ => Some("340282366920938463463374607431768211456".to_owned()),
        };
        Put { key: key as u8, explicit, data: vec![key as u8; key % 6] }
    }

    fn sequence_number(&mut self) -> Number {
        match self.below(11) {
            0..6 => Number::OfShard(self.number()),
            6..8 => Number::OfStream(self.number()),
            8 => Number::ShardStart,
            9 => Number::ShardEnd,
            _ => Number::Nonsense,
        }
    }

    fn place(&mut self) -> Place {
        match self.below(5) {
            0 => Place::TrimHorizon,
            1 => Place::Latest,
            2 => Place::At(self.sequence_number()),
            3 => Place::After(self.sequence_number()),
            _ => Place::Time(self.number(), self.near()),
        }
    }

    fn cut(&mut self) -> Cut {
        match self.below(6) {
            0..4 => Cut::Part(self.below(256) as u8),
            4 => Cut::Start(self.below(4) as u128),
            _ => Cut::End(self.below(3) as u128),
        }
    }

    fn listed(&mut self) -> Listed {
        match self.below(6) {
            0 => Listed::FromTrimHorizon,
            1 => Listed::AtTrimHorizon,
            2 => Listed::AtLatest,
            3 => Listed::AfterShard(self.number()),
            4 => Listed::AtTime(self.number(), self.near()),
            _ => Listed::FromTime(self.number(), self.near()),
        }
    }

    fn time(&mut self) -> Duration {
        let number = self.number() as u64;
        Duration::from_millis(match self.below(12) {
            0..6 => number % 2500,
            // Iterators live for five minutes.
            6..9 => 300_000 - 1 + number % 3,
            9..11 => number % 10 * HOUR_MILLIS,
            _ => 23 * HOUR_MILLIS + number * 110,
        })
    }
}

impl Step {
    pub fn of(numbers: &Numbers) -> Self {
        let mut choices = Choices(numbers);
        let kind = choices.below(82);
        let stream = choices.stream();
        match kind {
            0..40 => Self::traffic(kind, stream, &mut choices),
            40..52 => Self::shards(kind, stream, &mut choices),
            52..62 => Self::Advance { by: choices.time() },
            62..70 => match kind {
                62..67 => Self::Create { stream, shards: 1 + choices.below(5) as u32 },
                67 => Self::Delete { stream, even_with_consumers: choices.is() },
                _ => Self::Restart,
            },
            _ => Self::others(kind, stream, &mut choices),
        }
    }

    fn traffic(kind: usize, stream: &'static str, choices: &mut Choices<'_>) -> Self {
        match kind {
            0..11 => {
                let (count, first) = (1 + choices.below(20), choices.put());
                // The explicit hash key is that of the first alone.
                let rest = (1..count).map(|i| {
                    let key = (first.key + i as u8 * 7) % 40;
                    Put { key, explicit: None, data: vec![key; usize::from(key % 6)] }
                });
                let rest: Vec<Put> = rest.collect();
                Self::Put { stream, records: [vec![first], rest].concat() }
            }
            11..22 => {
                let record = choices.put();
                Self::PutOne { stream, record, ordering: choices.is().then(|| choices.number()) }
            }
            22..28 => Self::Iterator { stream, shard: choices.number(), start: choices.place() },
            28..37 => {
                let iterator = choices.number();
                Self::Get { iterator, limit: choices.of(&[1, 2, 3, 10_000]) }
            }
            _ => Self::Subscribe {
                stream,
                consumer: choices.of(&CONSUMERS[..2]),
                shard: choices.number(),
                start: choices.place(),
            },
        }
    }

    fn shards(kind: usize, stream: &'static str, choices: &mut Choices<'_>) -> Self {
        match kind {
            40..43 => Self::Split { stream, shard: choices.number(), at: choices.cut() },
            43..46 => Self::Merge {
                stream,
                shard: choices.number(),
                is_upper_first: choices.is(),
                is_neighbour: choices.below(5) > 0,
            },
            46..49 => Self::Scale { stream, percent: 40 + choices.below(180) },
            _ => Self::ListShards { stream, filter: choices.listed(), page: choices.of(&[1, 2, 3, 4, 10_000]) },
        }
    }

    fn others(kind: usize, stream: &'static str, choices: &mut Choices<'_>) -> Self {
        match kind {
            70 | 71 => Self::Retain { stream, hours: choices.of(&HOURS), is_increase: choices.is() },
            72..75 => Self::Register { stream, consumer: choices.of(&CONSUMERS) },
            75 => Self::Deregister { stream, consumer: choices.of(&CONSUMERS) },
            76 => Self::Tag { stream, tags: (0..=choices.below(3)).map(|_| choices.of(&TAGS)).collect() },
            77 => Self::Untag { stream, keys: (0..=choices.below(2)).map(|_| choices.of(&["a", "b", "c"])).collect() },
            78 => Self::Encrypt { stream, key: choices.of(&KEYS) },
            79 => Self::Decrypt { stream, key: choices.of(&KEYS) },
            _ => Self::Look { stream },
        }
    }
}
