//! What is sent: a record, and the batches in which records travel.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use base::hash_key::HashKey;
use base::{ByteString, Bytes};

use crate::config::{Destination, PartitionKeyOption};
use crate::positions::FileKey;

/// The longest of the partition keys that are made here.
pub const KEY_BYTES_MAX: usize = 32;

/// Data and the key that chooses its shard; records of delivery streams have an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub data: Bytes,
    pub partition_key: ByteString,
}

impl Record {
    pub fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }
}

/// Records that go in one request, and up to where in which files they reach.
#[derive(Debug, Default)]
pub struct Batch {
    pub records: Vec<Record>,
    /// Together with keys.
    pub bytes: usize,
    /// When all records are acknowledged, the files are done up to these offsets.
    pub ends: Vec<(FileKey, u64)>,
}

impl Batch {
    pub fn reach(&mut self, key: FileKey, end: u64) {
        match self.ends.iter_mut().find(|(other, _)| *other == key) {
            Some((_, known)) => *known = end,
            None => self.ends.push((key, end)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.ends.is_empty()
    }
}

/// Makes records of data.
pub struct RecordMaker {
    has_keys: bool,
    option: PartitionKeyOption,
    bytes_max: usize,
    terminator: Vec<u8>,
    random: u64,
}

impl RecordMaker {
    pub fn new(destination: &Destination, option: PartitionKeyOption, terminator: &str) -> Self {
        Self {
            has_keys: matches!(destination, Destination::Stream(_)),
            option,
            bytes_max: destination.record_bytes_max(),
            terminator: terminator.as_bytes().to_vec(),
            // Each new state has other keys, so the hash of nothing is random enough to spread records.
            random: RandomState::new().hash_one(()),
        }
    }

    /// A record of the data, of which the end is replaced if it is larger than the service takes.
    pub fn make(&mut self, mut data: Vec<u8>) -> Record {
        let partition_key = match (self.has_keys, self.option) {
            (false, _) => ByteString::new(),
            (true, PartitionKeyOption::Random) => self.random_key(),
            (true, PartitionKeyOption::Deterministic) => md5(&data).into(),
        };
        let data_bytes_max = self.bytes_max - partition_key.len();
        if data.len() > data_bytes_max {
            data.truncate(character_boundary(&data, data_bytes_max - self.terminator.len()));
            data.extend_from_slice(&self.terminator);
        }
        Record { data: data.into(), partition_key }
    }

    /// The next number of the generator SplitMix64, in digits.
    fn random_key(&mut self) -> ByteString {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_string().into()
    }
}

/// In hexadecimal digits.
pub fn md5(data: &[u8]) -> String {
    let mut hash = [HashKey(0)];
    base::md5::hash_keys(&[data], &mut hash);
    format!("{:032x}", hash[0].0)
}

/// The last place up to `end` that is not within a character of UTF-8.
fn character_boundary(data: &[u8], end: usize) -> usize {
    let is_inner = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    // No character has more than three bytes after its first.
    (end.saturating_sub(3)..=end).rev().find(|at| !is_inner(data[*at])).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(destination: Destination, option: PartitionKeyOption) -> RecordMaker {
        RecordMaker::new(&destination, option, "…\n")
    }

    #[test]
    fn keys_follow_the_option() {
        let mut random = maker(Destination::Stream("s".into()), PartitionKeyOption::Random);
        let (a, b) = (random.make(b"x".to_vec()), random.make(b"x".to_vec()));
        assert_ne!(a.partition_key, b.partition_key);
        assert!(a.partition_key.len() <= KEY_BYTES_MAX && a.partition_key.parse::<u64>().is_ok(), "{a:?}");
        let mut same = maker(Destination::Stream("s".into()), PartitionKeyOption::Deterministic);
        assert_eq!(&*same.make(b"abc".to_vec()).partition_key, "900150983cd24fb0d6963f7d28e17f72");
        let mut none = maker(Destination::DeliveryStream("d".into()), PartitionKeyOption::Random);
        assert_eq!(&*none.make(b"abc".to_vec()).partition_key, "");
    }

    #[test]
    fn what_is_too_large_loses_its_end() {
        for (destination, bytes_max) in
            [(Destination::Stream("s".into()), 1 << 20), (Destination::DeliveryStream("d".into()), 1000 << 10)]
        {
            let mut maker = maker(destination, PartitionKeyOption::Deterministic);
            let key_bytes = maker.make(Vec::new()).partition_key.len();
            let fits = vec![b'a'; bytes_max - key_bytes];
            assert_eq!(maker.make(fits.clone()).data, fits);
            let record = maker.make(vec![b'a'; bytes_max - key_bytes + 1]);
            assert_eq!(record.bytes(), bytes_max);
            assert!(record.data.ends_with("aa…\n".as_bytes()));
            // Euro signs have three bytes: no part of one is left.
            let record = maker.make("€".repeat(bytes_max / 3 + 1).into_bytes());
            assert!(record.bytes() > bytes_max - 3 && record.bytes() <= bytes_max);
            assert!(std::str::from_utf8(&record.data).is_ok());
        }
    }
}
