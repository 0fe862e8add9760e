//! Random numbers that a seed decides. Everything that is left to chance in a simulation is drawn from here.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A generator (splitmix64). Not for secrets.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator of its own for `label`: what one part of the simulation draws does not shift what others draw.
    #[must_use]
    pub fn fork(&self, label: &str) -> Self {
        let mut forked = Self { state: self.state ^ 0x6a09_e667_f3bc_c909 };
        for byte in label.bytes() {
            forked.state = forked.state.wrapping_add(u64::from(byte));
            forked.state = forked.next();
        }
        forked
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    ///
    /// # Panics
    /// When `end` is zero.
    pub fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0, "nothing is below zero");
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).expect("the high half of a product")
    }

    pub fn range(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// An index of something with `len` places.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("below a length")
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    pub fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.range(range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_labels_decide() {
        let draw = |mut random: Random| (0..4).map(|_| random.below(1000)).collect::<Vec<_>>();
        assert_eq!(draw(Random::new(7)), draw(Random::new(7)));
        assert_ne!(draw(Random::new(7)), draw(Random::new(8)));
        assert_ne!(draw(Random::new(7).fork("a")), draw(Random::new(7).fork("b")));
        let mut random = Random::new(1);
        assert!((0..1000).all(|_| (3..=5).contains(&random.range(3..=5))));
        let hits = (0..10_000).filter(|_| random.percent(20)).count();
        assert!((1800..2200).contains(&hits), "{hits}");
    }
}
