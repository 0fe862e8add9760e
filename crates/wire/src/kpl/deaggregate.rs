//! From one Kinesis record to the user records in it.

use base::ByteString;
use base::hash_key::HashKey;
use bytes::Bytes;

use super::protobuf::{Field, Malformed, next};
use super::{MAGIC, MD5_BYTES, UserRecord, md5_of};

/// The user records in the data of a Kinesis record, as slices of it; `None` when the record is a plain one. What is
/// damaged counts as plain, as it does for KCL.
#[must_use]
pub fn deaggregate(data: &Bytes) -> Option<Vec<UserRecord>> {
    let message = data.strip_prefix(&MAGIC).filter(|rest| rest.len() > MD5_BYTES)?;
    let (message, md5) = message.split_at(message.len() - MD5_BYTES);
    if md5_of(message) != md5 {
        return None;
    }
    records(data.slice_ref(message)).ok()
}

/// Where a record's parts are; tables may follow the records that refer to them.
struct Reference {
    partition_key: usize,
    explicit_hash_key: Option<usize>,
    data: Bytes,
}

fn records(mut message: Bytes) -> Result<Vec<UserRecord>, Malformed> {
    let mut partition_keys: Vec<ByteString> = Vec::new();
    let mut explicit_hash_keys: Vec<HashKey> = Vec::new();
    let mut references = Vec::new();
    while let Some(field) = next(&mut message)? {
        match field {
            Field::Bytes(1, key) => partition_keys.push(ByteString::try_from(key).map_err(|_| Malformed)?),
            Field::Bytes(2, key) => explicit_hash_keys.push(hash_key(&key)?),
            Field::Bytes(3, record) => references.push(reference(record)?),
            Field::Varint(1..=3, _) => return Err(Malformed),
            Field::Bytes(..) | Field::Varint(..) | Field::Other => {}
        }
    }
    let resolve = |reference: Reference| {
        let explicit_hash_key = match reference.explicit_hash_key {
            Some(index) => Some(*explicit_hash_keys.get(index).ok_or(Malformed)?),
            None => None,
        };
        let partition_key = partition_keys.get(reference.partition_key).ok_or(Malformed)?.clone();
        Ok(UserRecord { partition_key, explicit_hash_key, data: reference.data })
    };
    references.into_iter().map(resolve).collect()
}

/// Partition key and data are required.
fn reference(mut record: Bytes) -> Result<Reference, Malformed> {
    let (mut partition_key, mut explicit_hash_key, mut data) = (None, None, None);
    while let Some(field) = next(&mut record)? {
        match field {
            Field::Varint(1, index) => partition_key = Some(to_index(index)?),
            Field::Varint(2, index) => explicit_hash_key = Some(to_index(index)?),
            Field::Bytes(3, bytes) => data = Some(bytes),
            Field::Bytes(1 | 2, _) | Field::Varint(3, _) => return Err(Malformed),
            Field::Bytes(..) | Field::Varint(..) | Field::Other => {}
        }
    }
    Ok(Reference { partition_key: partition_key.ok_or(Malformed)?, explicit_hash_key, data: data.ok_or(Malformed)? })
}

fn to_index(value: u64) -> Result<usize, Malformed> {
    usize::try_from(value).map_err(|_| Malformed)
}

fn hash_key(text: &[u8]) -> Result<HashKey, Malformed> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Malformed)
}
