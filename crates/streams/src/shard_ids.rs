//! Shard ids as text. Answers name a shard once for each record, so those of the first shards of every stream are
//! constants: their copies share no count that two cores would have to pass to and fro.

use base::ByteString;
use base::ids::ShardIndex;

/// Shards whose ids are constants.
const CONSTANT: usize = 4096;
const LENGTH: usize = "shardId-000000000000".len();

static IDS: [[u8; LENGTH]; CONSTANT] = ids();

/// The id of a shard.
#[must_use]
pub fn shard_id(index: ShardIndex) -> ByteString {
    match IDS.get(index.0 as usize) {
        Some(id) => ByteString::from_static(std::str::from_utf8(id).expect("digits are ASCII")),
        None => ByteString::from(index.to_string()),
    }
}

const fn ids() -> [[u8; LENGTH]; CONSTANT] {
    let mut ids = [*b"shardId-000000000000"; CONSTANT];
    let mut index = 1;
    while index < CONSTANT {
        let (mut rest, mut at) = (index, LENGTH);
        while rest > 0 {
            at -= 1;
            ids[index][at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        index += 1;
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_agree_with_the_reference() {
        for index in (0..CONSTANT as u32 + 10).chain([u32::MAX]).map(ShardIndex) {
            assert_eq!(shard_id(index), index.to_string());
        }
    }
}
