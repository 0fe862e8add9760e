//! Sequence numbers: AWS's version 2 layout, 47 hexadecimal digits printed as a decimal number.
//!
//! From the left: `2` · shard creation, seconds, 9 digits · low digit of the shard index · sequence index, 16
//! digits (63 bits) · `00` · record time, seconds, 9 digits · shard index, 8 digits · version `2`. Within a
//! shard the numbers therefore rise with the sequence index.

use std::fmt;
use std::str::FromStr;

use crate::ids::{InvalidId, ShardIndex};

/// A decoded sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SequenceNumber {
    /// When the shard was created, seconds since the epoch; below 2^36.
    pub shard_created_seconds: u64,
    /// Position in the shard; 0 is the shard's start, [`SequenceNumber::INDEX_CLOSED`] its end when closed.
    pub index: u64,
    /// When the record arrived, seconds since the epoch; below 2^36.
    pub time_seconds: u64,
    pub shard: ShardIndex,
}

/// 188 bits: `high` holds the upper 60, `low` the lower 128.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bits {
    high: u64,
    low: u128,
}

const SECONDS_MASK: u64 = (1 << 36) - 1;
const VERSION: u128 = 2;
/// Largest power of ten below 2^64 used as a limb, so that three limbs hold any number.
const LIMB: u64 = 1_000_000_000_000_000_000;
/// Decimal digits of the longest version 2 number.
pub const SEQUENCE_NUMBER_DIGITS_MAX: usize = 57;

impl SequenceNumber {
    /// Sequence index in the ending number of a closed shard.
    pub const INDEX_CLOSED: u64 = i64::MAX as u64;

    fn bits(self) -> Bits {
        // Hex digits from the left: 1 + 9 + 1 + 16 + 2 + 9 + 8 + 1 = 47.
        // low 128 bits = last 32 digits: 12 low digits of the index, 2 + 9 + 8 + 1.
        let created = self.shard_created_seconds & SECONDS_MASK;
        let nibble = u64::from(self.shard.0 & 0xf);
        let high = (2 << 56) | (created << 20) | (nibble << 16) | (self.index >> 48);
        let low = (u128::from(self.index & 0xffff_ffff_ffff) << 80)
            | (u128::from(self.time_seconds & SECONDS_MASK) << 36)
            | (u128::from(self.shard.0) << 4)
            | VERSION;
        Bits { high, low }
    }

    fn from_bits(bits: Bits) -> Option<Self> {
        let number = Self {
            shard_created_seconds: (bits.high >> 20) & SECONDS_MASK,
            index: ((bits.high & 0xffff) << 48) | ((bits.low >> 80) as u64 & 0xffff_ffff_ffff),
            time_seconds: (bits.low >> 36) as u64 & SECONDS_MASK,
            shard: ShardIndex((bits.low >> 4) as u32),
        };
        (number.bits() == bits && number.index <= Self::INDEX_CLOSED && number.shard <= ShardIndex::MAX)
            .then_some(number)
    }

    /// Appends the decimal form to `out`.
    pub fn write_decimal(self, out: &mut Vec<u8>) {
        let bits = self.bits();
        let (mut high, mut low) = (u128::from(bits.high), bits.low);
        let mut limbs = [0u64; 4];
        for limb in &mut limbs {
            // (high * 2^128 + low) divided by LIMB, 64 bits at a time.
            let quotient_high = high / u128::from(LIMB);
            let rest = ((high % u128::from(LIMB)) << 64) | (low >> 64);
            let quotient_middle = rest / u128::from(LIMB);
            let rest = ((rest % u128::from(LIMB)) << 64) | (low & u128::from(u64::MAX));
            let quotient_low = rest / u128::from(LIMB);
            *limb = (rest % u128::from(LIMB)) as u64;
            high = quotient_high;
            low = (quotient_middle << 64) | quotient_low;
        }
        debug_assert_eq!((high, low), (0, 0), "four limbs hold 188 bits");
        let mut digits = [0u8; 72];
        for (i, limb) in limbs.iter().rev().enumerate() {
            let mut value = *limb;
            for digit in digits[i * 18..(i + 1) * 18].iter_mut().rev() {
                *digit = b'0' + (value % 10) as u8;
                value /= 10;
            }
        }
        let first = digits.iter().position(|d| *d != b'0').unwrap_or(digits.len() - 1);
        out.extend_from_slice(&digits[first..]);
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(SEQUENCE_NUMBER_DIGITS_MAX);
        self.write_decimal(&mut out);
        f.write_str(std::str::from_utf8(&out).expect("decimal digits are ASCII"))
    }
}

impl FromStr for SequenceNumber {
    type Err = InvalidId;

    /// Accepts version 2 numbers only: every number that this server hands out is one.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId::new("sequence number", text);
        if text.is_empty() || text.len() > SEQUENCE_NUMBER_DIGITS_MAX || text.starts_with('0') {
            return Err(invalid());
        }
        let (mut high, mut low) = (0u64, 0u128);
        for byte in text.bytes() {
            if !byte.is_ascii_digit() {
                return Err(invalid());
            }
            // Ten times the number plus the digit, with the carry out of the low 128 bits.
            let low_part = (low & u128::from(u64::MAX)) * 10 + u128::from(byte - b'0');
            let middle = (low >> 64) * 10 + (low_part >> 64);
            low = (middle << 64) | (low_part & u128::from(u64::MAX));
            high = high.checked_mul(10).and_then(|h| h.checked_add((middle >> 64) as u64)).ok_or_else(invalid)?;
        }
        Self::from_bits(Bits { high, low }).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observed_number_decodes() {
        let text = "49590338271490256608559692538361571095921575989136588898";
        let number: SequenceNumber = text.parse().expect("version 2");
        assert_eq!(
            number,
            SequenceNumber {
                shard_created_seconds: 1_542_776_258,
                index: 1_734_642_199,
                time_seconds: 1_545_084_650,
                shard: ShardIndex(6)
            }
        );
        assert_eq!(number.to_string(), text);
    }

    #[test]
    fn nonsense_and_other_versions_are_refused() {
        for text in [
            "",
            "0",
            "1",
            "x",
            "49543463076548007577105092703039560359975228518395012686",
            "999999999999999999999999999999999999999999999999999999999",
            "4959033827149025660855969253836157109592157598913658889 8",
        ] {
            assert!(text.parse::<SequenceNumber>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn round_trip(created in 0u64..(1 << 36), index in 0u64..=SequenceNumber::INDEX_CLOSED, time in 0u64..(1 << 36), shard in 0u32..=ShardIndex::MAX.0) {
            let number = SequenceNumber { shard_created_seconds: created, index, time_seconds: time, shard: ShardIndex(shard) };
            proptest::prop_assert_eq!(number.to_string().parse(), Ok(number));
        }
    }
}
