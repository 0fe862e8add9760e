//! Hash keys of many partition keys at once, against another implementation of MD5.

#![no_main]

use base::hash_key::HashKey;
use md5::{Digest as _, Md5};

libfuzzer_sys::fuzz_target!(|keys: Vec<&[u8]>| {
    let mut found = vec![HashKey::MIN; keys.len()];
    base::md5::hash_keys(&keys, &mut found);
    for (key, found) in keys.iter().zip(found) {
        assert_eq!(found.0, u128::from_be_bytes(Md5::digest(key).into()), "{key:?}");
    }
});
