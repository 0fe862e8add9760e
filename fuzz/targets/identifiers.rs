//! Texts that name things: whatever is read is written in one way, and reads as the same.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use base::arn::{ConsumerArn, ResourceArn, StreamArn};
use base::hash_key::{HashKey, HashKeyRange};
use base::ids::{AccountId, ConsumerName, Region, ShardIndex, StreamName};
use base::sequence::SequenceNumber;
use client::Endpoint;

libfuzzer_sys::fuzz_target!(|text: &str| {
    check::<ResourceArn>(text);
    check::<StreamArn>(text);
    check::<ConsumerArn>(text);
    check::<StreamName>(text);
    check::<ConsumerName>(text);
    check::<AccountId>(text);
    check::<Region>(text);
    check::<ShardIndex>(text);
    check::<SequenceNumber>(text);
    check::<HashKey>(text);
    check::<Endpoint>(text);
    if let Ok(number) = text.parse::<SequenceNumber>() {
        assert_eq!(number.to_string(), text, "a number has one form");
    }
    if let Ok(key) = text.parse::<HashKey>() {
        assert_eq!(key.to_string(), text, "a key has one form");
        if let Some((lower, upper)) = HashKeyRange::ALL.split(key) {
            assert!(lower.contains(HashKey(key.0 - 1)) && upper.contains(key) && !lower.contains(key));
            assert_eq!(lower.join(&upper), Some(HashKeyRange::ALL));
        }
    }
});

fn check<T: FromStr + Display + Debug + PartialEq>(text: &str) {
    let Ok(read) = text.parse::<T>() else { return };
    let written = read.to_string();
    assert!(written.parse().is_ok_and(|again: T| again == read), "{written:?} is not {read:?}");
}
