//! Aggregation against records that another implementation has made.

use anabranch_wire::kpl::{Aggregator, UserRecord, deaggregate};
use base::hash_key::HashKey;
use bytes::Bytes;
use proptest::prelude::*;

use crate::vectors;

fn blob(value: &serde_json::Value) -> Bytes {
    let text = value.as_str().expect("a base64 text");
    base64_simd::STANDARD.decode_to_vec(text).expect("base64").into()
}

fn user_records(case: &serde_json::Value) -> Vec<UserRecord> {
    let records = case["input"].as_array().expect("a list").iter().map(|record| UserRecord {
        partition_key: record["PartitionKey"].as_str().expect("a key").into(),
        explicit_hash_key: record["ExplicitHashKey"].as_str().map(|key| key.parse().expect("a hash key")),
        data: blob(&record["DataBase64"]),
    });
    records.collect()
}

fn aggregate(records: &[UserRecord]) -> Bytes {
    let mut aggregator = Aggregator::default();
    for record in records {
        let expected = aggregator.bytes_with(record);
        aggregator.push(record);
        assert_eq!(aggregator.bytes(), expected);
    }
    assert_eq!(aggregator.count(), records.len());
    let expected = aggregator.bytes();
    let data = aggregator.finish();
    assert_eq!(data.len(), expected);
    assert!(aggregator.is_empty());
    data
}

#[test]
fn both_ways_as_the_other_implementation() {
    let vectors = vectors("kpl_aggregated.json");
    for case in vectors["cases"].as_array().expect("a list") {
        let records = user_records(case);
        let data = blob(&case["kinesis_data_base64"]);
        assert_eq!(deaggregate(&data).as_ref(), Some(&records), "{}", case["name"]);
        assert_eq!(aggregate(&records), data, "{}", case["name"]);
    }
}

#[test]
fn what_is_damaged_is_plain() {
    let vectors = vectors("kpl_aggregated.json");
    for name in ["bad_md5", "plain"] {
        assert_eq!(deaggregate(&blob(&vectors[name]["kinesis_data_base64"])), None, "{name}");
    }
    let whole = blob(&vectors["cases"][0]["kinesis_data_base64"]);
    for cut in 0..whole.len() {
        assert_eq!(deaggregate(&whole.slice(..cut)), None, "cut at {cut}");
    }
    for index in 0..whole.len() {
        let mut flipped = whole.to_vec();
        flipped[index] ^= 1;
        assert_eq!(deaggregate(&flipped.into()), None, "flipped at {index}");
    }
}

/// A message under a right checksum that is not what KCL's parser takes.
#[test]
fn what_does_not_parse_is_plain() {
    let sealed = |message: &[u8]| {
        let mut data = vec![0xf3, 0x89, 0x9a, 0xc2];
        data.extend(message);
        data.extend(md5::Digest::finalize(<md5::Md5 as md5::Digest>::new_with_prefix(message)));
        Bytes::from(data)
    };
    let record = |bytes: &[u8]| [&[0x0a, 1, b'k', 0x1a, bytes.len() as u8][..], bytes].concat();
    assert_eq!(deaggregate(&sealed(&record(&[0x08, 0, 0x1a, 1, b'x']))).map(|r| r.len()), Some(1));
    for (name, message) in [
        ("no partition key", record(&[0x1a, 1, b'x'])),
        ("no data", record(&[0x08, 0])),
        ("no such partition key", record(&[0x08, 1, 0x1a, 0])),
        ("no such hash key", record(&[0x08, 0, 0x10, 0, 0x1a, 0])),
        ("key that is not UTF-8", vec![0x0a, 1, 0xff]),
        ("hash key that is no number", vec![0x12, 1, b'x']),
        ("length beyond the end", vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    ] {
        assert_eq!(deaggregate(&sealed(&message)), None, "{name}");
    }
}

proptest! {
    #[test]
    fn what_was_aggregated_comes_back(
        records in prop::collection::vec((".{0,20}", prop::option::of(any::<u128>()), prop::collection::vec(any::<u8>(), 0..200)), 1..40)
    ) {
        let records: Vec<UserRecord> = records
            .into_iter()
            .map(|(key, hash, data)| UserRecord {
                partition_key: key.into(),
                explicit_hash_key: hash.map(HashKey),
                data: data.into(),
            })
            .collect();
        prop_assert_eq!(deaggregate(&aggregate(&records)), Some(records));
    }

    #[test]
    fn no_bytes_make_it_panic(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut with_magic = vec![0xf3, 0x89, 0x9a, 0xc2];
        with_magic.extend(&data);
        with_magic.extend(md5::Digest::finalize(<md5::Md5 as md5::Digest>::new_with_prefix(&data)));
        let _ = deaggregate(&with_magic.into());
    }
}
