//! Decimal sequence numbers of consecutive records, one after the other, without dividing 188-bit numbers.
//!
//! The sequence index stands at bit 80 of a sequence number, so the numbers of neighbours that arrived in the
//! same second differ by 2^80. The number is kept in limbs of 18 decimal digits; a step adds two limbs and
//! rewrites the digits that have changed.

use base::sequence::SequenceNumber;
use base::{ByteString, Bytes};

/// Decimal digits of every version 2 sequence number: the leading `2` of its 47 hexadecimal digits puts it between
/// 2^185 and 3 * 2^184.
pub const DIGITS: usize = 56;

const LIMB: u64 = 1_000_000_000_000_000_000;
const LIMB_DIGITS: usize = 18;
/// 2^80 in limbs, least significant first.
const STEP: [u64; 2] = [819_614_629_174_706_176, 1_208_925];

const SECONDS_MASK: u64 = (1 << 36) - 1;
const POWER_0: [u64; 4] = power_of_two(0);
const POWER_36: [u64; 4] = power_of_two(36);
const POWER_80: [u64; 4] = power_of_two(80);
const POWER_144: [u64; 4] = power_of_two(144);
const POWER_148: [u64; 4] = power_of_two(148);
const POWER_184: [u64; 4] = power_of_two(184);

/// A power of two in limbs, least significant first.
const fn power_of_two(exponent: u32) -> [u64; 4] {
    let mut limbs = [1, 0, 0, 0];
    let mut doubled = 0;
    while doubled < exponent {
        let mut carry = 0;
        let mut i = 0;
        while i < 4 {
            let limb = limbs[i] * 2 + carry;
            carry = (limb >= LIMB) as u64;
            limbs[i] = limb - carry * LIMB;
            i += 1;
        }
        doubled += 1;
    }
    limbs
}

/// The number of one record, able to step to the next.
#[derive(Debug, Clone)]
pub struct SequenceText {
    /// Least significant first; the digits beyond the second change too rarely to be kept apart.
    limbs: [u64; 3],
    digits: [u8; DIGITS],
}

impl SequenceText {
    #[must_use]
    pub fn new(number: SequenceNumber) -> Self {
        // The fields of a number and the powers of two at which they stand, from `base::sequence`.
        let fields = [
            (2, &POWER_184),
            (number.shard_created_seconds & SECONDS_MASK, &POWER_148),
            (u64::from(number.shard.0 & 0xf), &POWER_144),
            (number.index, &POWER_80),
            (number.time_seconds & SECONDS_MASK, &POWER_36),
            (u64::from(number.shard.0) << 4 | 2, &POWER_0),
        ];
        let mut limbs = [0u64; 4];
        let mut carry = 0u128;
        for (i, limb) in limbs.iter_mut().enumerate() {
            // Each product is below 2^124, so that the sum fits.
            let sum = fields.iter().fold(carry, |sum, (field, power)| sum + u128::from(*field) * u128::from(power[i]));
            *limb = (sum % u128::from(LIMB)) as u64;
            carry = sum / u128::from(LIMB);
        }
        let [low, middle, high, leading] = limbs;
        let mut digits = [b'0'; DIGITS];
        digits[..2].copy_from_slice(&PAIRS[leading as usize]);
        write_limb(&mut digits[2..20], high);
        write_limb(&mut digits[20..38], middle);
        write_limb(&mut digits[38..56], low);
        Self { limbs: [low, middle, high], digits }
    }

    #[must_use]
    pub fn digits(&self) -> &[u8; DIGITS] {
        &self.digits
    }

    /// Moves to the next sequence index.
    pub fn step(&mut self) {
        let low = self.limbs[0] + STEP[0];
        let carry = u64::from(low >= LIMB);
        self.limbs[0] = if carry == 1 { low - LIMB } else { low };
        let middle = self.limbs[1] + STEP[1] + carry;
        if middle >= LIMB {
            self.carry_high(middle - LIMB);
        } else {
            self.limbs[1] = middle;
        }
        write_limb(&mut self.digits[38..56], self.limbs[0]);
        write_limb(&mut self.digits[20..38], self.limbs[1]);
    }

    #[cold]
    fn carry_high(&mut self, middle: u64) {
        self.limbs[1] = middle;
        self.limbs[2] += 1;
        if self.limbs[2] == LIMB {
            self.limbs[2] = 0;
            let leading = (self.digits[0] - b'0') * 10 + (self.digits[1] - b'0') + 1;
            self.digits[..2].copy_from_slice(&PAIRS[usize::from(leading)]);
        }
        write_limb(&mut self.digits[2..20], self.limbs[2]);
    }
}

/// Numbers of one answer in one buffer, each a slice of it.
#[derive(Debug)]
pub struct SequenceTexts {
    buffer: Vec<u8>,
}

impl SequenceTexts {
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self { buffer: Vec::with_capacity(count * DIGITS) }
    }

    pub fn push(&mut self, text: &SequenceText) {
        self.buffer.extend_from_slice(text.digits());
    }

    /// The numbers in the order in which they were pushed.
    #[must_use]
    pub fn finish(self) -> SequenceSlices {
        let all = ByteString::try_from(Bytes::from(self.buffer)).expect("decimal digits are ASCII");
        SequenceSlices { all, next: 0 }
    }
}

/// `count` consecutive numbers from `first` on.
#[must_use]
pub fn run_of(mut first: SequenceText, count: usize) -> SequenceSlices {
    let mut texts = SequenceTexts::with_capacity(count);
    for _ in 0..count {
        texts.push(&first);
        first.step();
    }
    texts.finish()
}

/// Iterator over [`SequenceTexts`].
#[derive(Debug)]
pub struct SequenceSlices {
    all: ByteString,
    next: usize,
}

impl SequenceSlices {
    /// The next number, for whoever copies it.
    pub fn take_text(&mut self) -> Option<&str> {
        let number = self.all.get(self.next..self.next + DIGITS)?;
        self.next += DIGITS;
        Some(number)
    }
}

impl Iterator for SequenceSlices {
    type Item = ByteString;

    fn next(&mut self) -> Option<ByteString> {
        let at = self.next;
        self.take_text()?;
        Some(self.all.slice_ref(&self.all[at..self.next]))
    }
}

/// The text of a single number.
#[must_use]
pub fn text_of(number: SequenceNumber) -> ByteString {
    let mut decimal = Vec::with_capacity(DIGITS);
    number.write_decimal(&mut decimal);
    ByteString::try_from(decimal).expect("decimal digits are ASCII")
}

/// Two digits for each number below a hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// Writes `value` with leading zeros into 18 digits.
fn write_limb(digits: &mut [u8], value: u64) {
    debug_assert_eq!(digits.len(), LIMB_DIGITS);
    // Three parts of six digits: their divisions do not wait for each other.
    let high = value / 1_000_000_000_000;
    let rest = value % 1_000_000_000_000;
    write_six(&mut digits[..6], high as u32);
    write_six(&mut digits[6..12], (rest / 1_000_000) as u32);
    write_six(&mut digits[12..18], (rest % 1_000_000) as u32);
}

fn write_six(digits: &mut [u8], value: u32) {
    digits[..2].copy_from_slice(&PAIRS[(value / 10_000) as usize % 100]);
    digits[2..4].copy_from_slice(&PAIRS[(value / 100 % 100) as usize]);
    digits[4..6].copy_from_slice(&PAIRS[(value % 100) as usize]);
}

#[cfg(test)]
mod tests {
    use base::ids::ShardIndex;
    use proptest::prelude::*;

    use super::*;

    fn number(created: u64, index: u64, time: u64, shard: u32) -> SequenceNumber {
        SequenceNumber { shard_created_seconds: created, index, time_seconds: time, shard: ShardIndex(shard) }
    }

    proptest! {
        #[test]
        fn stepping_agrees_with_the_reference(
            created in 0u64..1 << 36,
            index in 0u64..(1 << 62),
            time in 0u64..1 << 36,
            shard in 0u32..1 << 31,
        ) {
            let mut text = SequenceText::new(number(created, index, time, shard));
            for ahead in 0..40 {
                let expected = number(created, index + ahead, time, shard).to_string();
                prop_assert_eq!(std::str::from_utf8(text.digits()).expect("ASCII"), expected);
                text.step();
            }
        }
    }

    #[test]
    fn carries_reach_the_highest_digits() {
        // 2^80 * index passes multiples of 10^36 and 10^54 somewhere in here.
        for index in [827_180_612_553, 827_180_612_550, 827_180_612_553_027_000, 4_135_903_062_765_138_000] {
            let mut text = SequenceText::new(number(1_700_000_000, index, 1_700_000_001, 3));
            for ahead in 0..2000 {
                let expected = number(1_700_000_000, index + ahead, 1_700_000_001, 3).to_string();
                assert_eq!(std::str::from_utf8(text.digits()).expect("ASCII"), expected);
                text.step();
            }
        }
    }

    #[test]
    fn slices_come_in_order() {
        let expected = [1, 2, 3].map(|index| number(1, index, 1, 0).to_string());
        let run = || run_of(SequenceText::new(number(1, 1, 1, 0)), 3);
        assert_eq!(run().map(|slice| slice.to_string()).collect::<Vec<_>>(), expected);
        let mut run = run();
        assert_eq!(run.take_text(), Some(&*expected[0]));
        assert_eq!(run.next().as_deref(), Some(&*expected[1]));
        assert_eq!(run.take_text(), Some(&*expected[2]));
        assert_eq!(run.take_text(), None);
        assert_eq!(run.next(), None);
    }
}
