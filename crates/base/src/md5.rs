//! MD5 of partition keys, sixteen at a time.
//!
//! Hashing the key is the largest cost of a record on the put path when done one by one (133 ns against 18 ns
//! measured). MD5 cannot be vectorised within a message but is trivially parallel across messages: each lane
//! of a vector register holds the state of one key. The loops over lanes are plain Rust; the compiler turns
//! them into vector code for the features named on the two wrappers.
#![allow(unsafe_code, reason = "calling a function compiled for a CPU feature after checking for the feature")]

use crate::hash_key::HashKey;

/// Keys that are hashed side by side.
pub const LANES: usize = 16;

type Lane = [u32; LANES];

const SHIFTS: [u32; 64] = [
    7, 12, 17, 22, 7, 12, 17, 22, 7, 12, 17, 22, 7, 12, 17, 22, 5, 9, 14, 20, 5, 9, 14, 20, 5, 9, 14, 20, 5, 9, 14, 20,
    4, 11, 16, 23, 4, 11, 16, 23, 4, 11, 16, 23, 4, 11, 16, 23, 6, 10, 15, 21, 6, 10, 15, 21, 6, 10, 15, 21, 6, 10, 15,
    21,
];

/// `floor(2^32 * |sin(i + 1)|)`, RFC 1321.
const CONSTANTS: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Writes the hash key of each partition key into `out`, which must be as long as `keys`.
pub fn hash_keys(keys: &[&[u8]], out: &mut [HashKey]) {
    assert_eq!(keys.len(), out.len(), "one hash key per partition key");
    let run = best_implementation();
    for (keys, out) in keys.chunks(LANES).zip(out.chunks_mut(LANES)) {
        let mut state = [[0u32; LANES]; 4];
        run(keys, &mut state);
        for (lane, key) in out.iter_mut().enumerate() {
            let mut digest = [0u8; 16];
            for (word, bytes) in state.iter().zip(digest.chunks_exact_mut(4)) {
                bytes.copy_from_slice(&word[lane].to_le_bytes());
            }
            *key = HashKey(u128::from_be_bytes(digest));
        }
    }
}

fn best_implementation() -> fn(&[&[u8]], &mut [Lane; 4]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
            // SAFETY: the features that the function is compiled for were just detected.
            return |keys, state| unsafe { digest_avx512(keys, state) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return |keys, state| unsafe { digest_avx2(keys, state) };
        }
    }
    digest
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn digest_avx512(keys: &[&[u8]], state: &mut [Lane; 4]) {
    digest(keys, state);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn digest_avx2(keys: &[&[u8]], state: &mut [Lane; 4]) {
    digest(keys, state);
}

/// Hashes up to [`LANES`] keys; lanes beyond the last key hash the empty message and are ignored.
#[inline(always)]
fn digest(keys: &[&[u8]], state: &mut [Lane; 4]) {
    let blocks_of = |key: &[u8]| (key.len() + 8) / 64 + 1;
    let blocks_max = keys.iter().map(|key| blocks_of(key)).max().unwrap_or(1);
    for (lane, value) in state.iter_mut().zip(INITIAL) {
        *lane = [value; LANES];
    }
    for block in 0..blocks_max {
        let mut words = [[0u32; LANES]; 16];
        for (lane, key) in keys.iter().enumerate() {
            load_block(key, block, lane, &mut words);
        }
        let before = *state;
        compress(state, &words);
        if blocks_max > 1 {
            // Lanes whose message has ended keep their digest.
            for (lane, key) in keys.iter().enumerate() {
                if block >= blocks_of(key) {
                    for (word, old) in state.iter_mut().zip(&before) {
                        word[lane] = old[lane];
                    }
                }
            }
        }
    }
}

/// Puts 64 bytes of the padded message into column `lane` of `words`.
#[inline(always)]
fn load_block(key: &[u8], block: usize, lane: usize, words: &mut [Lane; 16]) {
    let mut bytes = [0u8; 64];
    let from = (block * 64).min(key.len());
    let part = &key[from..(from + 64).min(key.len())];
    bytes[..part.len()].copy_from_slice(part);
    let end = key.len();
    if end / 64 == block {
        bytes[end % 64] = 0x80;
    }
    if block == (end + 8) / 64 {
        bytes[56..].copy_from_slice(&((end as u64) * 8).to_le_bytes());
    }
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        word[lane] = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    }
}

#[inline(always)]
fn compress(state: &mut [Lane; 4], words: &[Lane; 16]) {
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! round {
        ($range:expr, $mix:expr, $word:expr) => {
            for i in $range {
                let message = &words[$word(i)];
                let mut next = [0u32; LANES];
                for l in 0..LANES {
                    let mixed: u32 = $mix(b[l], c[l], d[l]);
                    let sum = a[l].wrapping_add(mixed).wrapping_add(CONSTANTS[i]).wrapping_add(message[l]);
                    next[l] = b[l].wrapping_add(sum.rotate_left(SHIFTS[i]));
                }
                (a, d, c, b) = (d, c, b, next);
            }
        };
    }
    round!(0..16, |x: u32, y: u32, z: u32| (x & y) | (!x & z), |i: usize| i);
    round!(16..32, |x: u32, y: u32, z: u32| (x & z) | (y & !z), |i: usize| (5 * i + 1) % 16);
    round!(32..48, |x: u32, y: u32, z: u32| x ^ y ^ z, |i: usize| (3 * i + 5) % 16);
    round!(48..64, |x: u32, y: u32, z: u32| y ^ (x | !z), |i: usize| (7 * i) % 16);
    for l in 0..LANES {
        state[0][l] = state[0][l].wrapping_add(a[l]);
        state[1][l] = state[1][l].wrapping_add(b[l]);
        state[2][l] = state[2][l].wrapping_add(c[l]);
        state[3][l] = state[3][l].wrapping_add(d[l]);
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest, Md5};

    use super::*;

    fn reference(key: &[u8]) -> HashKey {
        HashKey(u128::from_be_bytes(Md5::digest(key).into()))
    }

    #[test]
    fn every_length_agrees_with_the_reference() {
        let keys: Vec<Vec<u8>> = (0..300).map(|n| (0..n).map(|i| (i * 7 + n) as u8).collect()).collect();
        let slices: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let mut out = vec![HashKey::MIN; slices.len()];
        hash_keys(&slices, &mut out);
        for (key, hash) in slices.iter().zip(&out) {
            assert_eq!(*hash, reference(key), "length {}", key.len());
        }
    }

    #[test]
    fn plain_code_agrees_with_vector_code() {
        let keys: [&[u8]; 3] =
            [b"abc", b"", b"a key that is longer than one block of sixty-four bytes, by some measure"];
        let mut state = [[0u32; LANES]; 4];
        digest(&keys, &mut state);
        let mut out = [HashKey::MIN; 3];
        hash_keys(&keys, &mut out);
        for (lane, hash) in out.iter().enumerate() {
            assert_eq!(
                state[0][lane],
                u32::from_be_bytes(hash.0.to_be_bytes()[..4].try_into().expect("four bytes")).swap_bytes()
            );
        }
    }
}
