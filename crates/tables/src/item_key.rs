//! Where an item stands in its table, or in an index.

use base::Bytes;
use base::hash_key::HashKey;
use base::md5;

/// Sorts by the hash of the partition key, so that scans can be cut into equal segments; then by the partition key,
/// the sort key and, in indexes, by the key in the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    pub hash: u64,
    /// Bytes that sort as the values do.
    pub partition: Bytes,
    /// Likewise; empty without a sort key.
    pub sort: Bytes,
    /// Indexes may hold many items with one key.
    pub in_table: Option<Box<ItemKey>>,
}

impl ItemKey {
    #[must_use]
    pub fn new(partition: Bytes, sort: Bytes) -> Self {
        let mut hash = [HashKey(0)];
        md5::hash_keys(&[&partition], &mut hash);
        let [HashKey(hash)] = hash;
        let hash = u64::try_from(hash >> 64).expect("the upper half has 64 bits");
        Self { hash, partition, sort, in_table: None }
    }

    /// The first place of all whose hash is at least this.
    #[must_use]
    pub fn first_of_hash(hash: u64) -> Self {
        Self { hash, partition: Bytes::new(), sort: Bytes::new(), in_table: None }
    }

    /// The same place in an index for the item with that key in the table.
    #[must_use]
    pub fn of(self, in_table: Self) -> Self {
        Self { in_table: Some(Box::new(in_table)), ..self }
    }

    /// The first place in the same partition whose sort key is at least this.
    #[must_use]
    pub fn at_sort(&self, sort: Bytes) -> Self {
        Self { sort, in_table: None, ..self.clone() }
    }

    /// The first place behind the partition.
    #[must_use]
    pub fn behind_partition(&self) -> Self {
        Self { partition: successor(&self.partition), sort: Bytes::new(), in_table: None, ..*self }
    }
}

/// The next byte string.
#[must_use]
pub fn successor(bytes: &[u8]) -> Bytes {
    [bytes, &[0]].concat().into()
}

/// The next byte string that does not begin with this one; `None` when there is none.
#[must_use]
pub fn behind_prefix(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut behind = prefix[..=last].to_vec();
    behind[last] += 1;
    Some(behind.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(partition: &'static str, sort: &'static str) -> ItemKey {
        ItemKey::new(Bytes::from_static(partition.as_bytes()), Bytes::from_static(sort.as_bytes()))
    }

    #[test]
    fn hashes_do_not_change() {
        // md5("shardId-000000000000") begins so; stored page tokens of clients depend on it.
        assert_eq!(format!("{:016x}", key("shardId-000000000000", "").hash), "affe12c3d58e5c8d");
    }

    #[test]
    fn places_are_in_order() {
        let (a, b) = (key("p", "a"), key("p", "b"));
        assert!(a < b && b < a.behind_partition() && a.at_sort(Bytes::new()) < a);
        let tied = a.clone().of(key("x", ""));
        assert!(a < tied && tied < a.at_sort(successor(b"a")) && tied < b);
        assert!(ItemKey::first_of_hash(a.hash) < a);
        assert_eq!(behind_prefix(b"a\xff"), Some(Bytes::from_static(b"b")));
        assert_eq!(behind_prefix(b"\xff\xff"), None);
        assert_eq!(behind_prefix(b""), None);
    }
}
