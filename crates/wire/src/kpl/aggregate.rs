//! From user records to one Kinesis record.

use std::collections::HashMap;

use base::ByteString;
use base::hash_key::HashKey;
use bytes::{BufMut as _, Bytes, BytesMut};

use super::protobuf::{bytes_field_len, put_bytes, put_len, put_varint, varint_field_len};
use super::{MAGIC, MD5_BYTES, UserRecord, md5_of};

/// Collects user records for one Kinesis record. Says beforehand how large the result would become.
#[derive(Debug, Default)]
pub struct Aggregator {
    partition_keys: Table<ByteString>,
    explicit_hash_keys: Table<HashKey>,
    records: BytesMut,
    count: usize,
}

/// Keys that have been used, each once.
#[derive(Debug)]
struct Table<K> {
    indexes: HashMap<K, u64>,
    encoded: BytesMut,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { indexes: HashMap::new(), encoded: BytesMut::new() }
    }
}

impl<K: std::hash::Hash + Eq + Clone> Table<K> {
    /// The index that `key` has or would get, and the bytes that the table would grow.
    fn look_up(&self, key: &K, len: usize) -> (u64, usize) {
        match self.indexes.get(key) {
            Some(index) => (*index, 0),
            None => (self.indexes.len() as u64, bytes_field_len(len)),
        }
    }

    /// `number`: the field that the table is in the message.
    fn insert(&mut self, number: u32, key: &K, text: &[u8]) {
        let next = self.indexes.len() as u64;
        self.indexes.entry(key.clone()).or_insert_with(|| {
            put_bytes(&mut self.encoded, number, text);
            next
        });
    }

    fn clear(&mut self) {
        self.indexes.clear();
        self.encoded.clear();
    }
}

/// Where the parts of a record would go, and what they would take.
struct Placed {
    partition_key: u64,
    explicit_hash_key: Option<u64>,
    /// The record's message without its head.
    record_bytes: usize,
    table_bytes: usize,
}

impl Aggregator {
    /// Number of user records.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the Kinesis record's data as it stands.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let tables = self.partition_keys.encoded.len() + self.explicit_hash_keys.encoded.len();
        MAGIC.len() + tables + self.records.len() + MD5_BYTES
    }

    /// Bytes of the Kinesis record's data with one more user record.
    #[must_use]
    pub fn bytes_with(&self, record: &UserRecord) -> usize {
        let placed = self.place(record);
        self.bytes() + placed.table_bytes + bytes_field_len(placed.record_bytes)
    }

    /// Adds a user record, whatever size that makes.
    pub fn push(&mut self, record: &UserRecord) {
        let placed = self.place(record);
        if placed.table_bytes > 0 {
            self.remember(record);
        }
        put_len(&mut self.records, 3, placed.record_bytes);
        put_varint(&mut self.records, 1, placed.partition_key);
        if let Some(index) = placed.explicit_hash_key {
            put_varint(&mut self.records, 2, index);
        }
        put_bytes(&mut self.records, 3, &record.data);
        self.count += 1;
    }

    /// The data of the Kinesis record; the aggregator is empty again.
    pub fn finish(&mut self) -> Bytes {
        let mut data = BytesMut::with_capacity(self.bytes());
        data.put_slice(&MAGIC);
        data.put_slice(&self.partition_keys.encoded);
        data.put_slice(&self.explicit_hash_keys.encoded);
        data.put_slice(&self.records);
        let md5 = md5_of(&data[MAGIC.len()..]);
        data.put_slice(&md5);
        self.partition_keys.clear();
        self.explicit_hash_keys.clear();
        self.records.clear();
        self.count = 0;
        data.freeze()
    }

    fn place(&self, record: &UserRecord) -> Placed {
        let (partition_key, mut table_bytes) =
            self.partition_keys.look_up(&record.partition_key, record.partition_key.len());
        let mut record_bytes = varint_field_len(partition_key) + bytes_field_len(record.data.len());
        let explicit_hash_key = record.explicit_hash_key.map(|key| {
            let (index, grown) = self.explicit_hash_keys.look_up(&key, decimal_digits(key));
            table_bytes += grown;
            record_bytes += varint_field_len(index);
            index
        });
        Placed { partition_key, explicit_hash_key, record_bytes, table_bytes }
    }

    fn remember(&mut self, record: &UserRecord) {
        self.partition_keys.insert(1, &record.partition_key, record.partition_key.as_bytes());
        if let Some(key) = record.explicit_hash_key {
            self.explicit_hash_keys.insert(2, &key, key.to_string().as_bytes());
        }
    }
}

fn decimal_digits(key: HashKey) -> usize {
    key.0.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}
