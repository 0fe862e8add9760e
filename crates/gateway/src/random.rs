//! Names of requests: unlike each other, and not secret.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0u8));
}

/// The next number of this thread's generator (splitmix64).
pub fn next() -> u64 {
    STATE.with(|state| {
        let seed = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(seed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// Between 0 and 1.
pub fn fraction() -> f64 {
    (next() >> 11) as f64 / (1u64 << 53) as f64
}

/// The name of a request: a version 4 UUID in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 36]);

impl RequestId {
    pub fn random() -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bits = (u128::from(next()) << 64) | u128::from(next());
        bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let mut text = [b'-'; 36];
        let mut nibble = 32;
        for (i, place) in text.iter_mut().enumerate() {
            if !matches!(i, 8 | 13 | 18 | 23) {
                nibble -= 1;
                *place = DIGITS[(bits >> (nibble * 4)) as usize & 0xf];
            }
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits and hyphens")
    }
}

/// Random base64 as AWS sends it in `x-amz-id-2`.
pub fn extended_id() -> [u8; 76] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = [b'='; 76];
    for chunk in text[..75].chunks_mut(10) {
        let mut bits = next();
        for place in chunk {
            *place = DIGITS[(bits & 63) as usize];
            bits >>= 6;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_uuids() {
        for _ in 0..1000 {
            let id = RequestId::random();
            assert!(id.0.iter().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => *b == b'-',
                14 => *b == b'4',
                19 => b"89ab".contains(b),
                _ => b.is_ascii_hexdigit(),
            }));
        }
        assert_ne!(RequestId::random(), RequestId::random());
    }

    #[test]
    fn fractions_spread() {
        let below = (0..10_000).filter(|_| fraction() < 0.25).count();
        assert!((2000..3000).contains(&below), "{below}");
    }
}
