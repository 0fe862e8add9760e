//! Plans of splits and merges. A plan is a list of generations; the steps of one generation touch different shards,
//! so that each generation is one commit.

use base::hash_key::{HashKey, HashKeyRange};
use base::ids::ShardIndex;

/// An open shard, as plans see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub index: ShardIndex,
    pub range: HashKeyRange,
}

/// One split or merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The upper part begins at `at`.
    Split { shard: ShardIndex, at: HashKey },
    /// `shard` becomes the child's parent, `adjacent` its adjacent parent.
    Merge { shard: ShardIndex, adjacent: ShardIndex },
}

/// The next generation on the way from `open` (sorted, tiling) to `target` shards of equal width; empty when that is
/// what `open` is.
///
/// First every shard is cut at the target's borders that lie inside it, the middle one first; then the pieces between
/// two borders are merged pairwise. Both take a number of generations that is logarithmic in the number of pieces.
#[must_use]
pub fn next_generation(open: &[Piece], target: u32) -> Vec<Step> {
    let borders: Vec<u128> = HashKeyRange::uniform(target).iter().skip(1).map(|range| range.start.0).collect();
    let splits: Vec<Step> = open.iter().filter_map(|piece| split_at_middle(piece, &borders)).collect();
    if !splits.is_empty() {
        return splits;
    }
    let mut merges = Vec::new();
    let mut i = 0;
    while i + 1 < open.len() {
        let (lower, upper) = (&open[i], &open[i + 1]);
        if borders.binary_search(&upper.range.start.0).is_ok() {
            i += 1;
        } else {
            merges.push(Step::Merge { shard: lower.index, adjacent: upper.index });
            i += 2;
        }
    }
    merges
}

fn split_at_middle(piece: &Piece, borders: &[u128]) -> Option<Step> {
    let first = borders.partition_point(|border| *border <= piece.range.start.0);
    let end = borders.partition_point(|border| *border <= piece.range.end.0);
    let inside = &borders[first..end];
    let at = *inside.get(inside.len() / 2)?;
    Some(Step::Split { shard: piece.index, at: HashKey(at) })
}

/// The key that cuts a range into halves; `None` when it is too narrow.
#[must_use]
pub fn middle(range: &HashKeyRange) -> Option<HashKey> {
    let at = HashKey(range.start.0 + (range.end.0 - range.start.0) / 2 + 1);
    range.split(at).map(|_| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(count: u32) -> Vec<Piece> {
        HashKeyRange::uniform(count)
            .into_iter()
            .zip(0..)
            .map(|(range, index)| Piece { index: ShardIndex(index), range })
            .collect()
    }

    /// Carries a plan out and answers how many generations it took.
    fn scale(open: &mut Vec<Piece>, target: u32) -> usize {
        let mut next = open.iter().map(|piece| piece.index.0).max().unwrap_or(0) + 1;
        for generation in 0.. {
            let steps = next_generation(open, target);
            if steps.is_empty() {
                return generation;
            }
            for step in steps {
                let mut fresh = |range| {
                    next += 1;
                    Piece { index: ShardIndex(next), range }
                };
                let mut remove = |index| {
                    let at = open.iter().position(|piece| piece.index == index).expect("an open shard");
                    open.remove(at).range
                };
                match step {
                    Step::Split { shard, at } => {
                        let parent = remove(shard);
                        open.push(fresh(HashKeyRange { start: parent.start, end: HashKey(at.0 - 1) }));
                        open.push(fresh(HashKeyRange { start: at, end: parent.end }));
                    }
                    Step::Merge { shard, adjacent } => {
                        let range = remove(shard).join(&remove(adjacent)).expect("neighbours");
                        open.push(fresh(range));
                    }
                }
            }
            open.sort_by_key(|piece| piece.range.start);
        }
        unreachable!("the loop has no end")
    }

    #[test]
    fn every_count_can_be_reached_from_every_other() {
        for from in 1..=17 {
            for to in 1..=17 {
                let mut open = uniform(from);
                let generations = scale(&mut open, to);
                let ranges: Vec<_> = open.iter().map(|piece| piece.range).collect();
                assert_eq!(ranges, HashKeyRange::uniform(to), "{from} -> {to}");
                assert!(generations <= 10, "{from} -> {to} took {generations}");
            }
        }
    }

    #[test]
    fn doubling_is_one_split_each() {
        let steps = next_generation(&uniform(3), 6);
        assert_eq!(steps.len(), 3);
        assert!(steps.iter().all(|step| matches!(step, Step::Split { .. })));
        assert!(next_generation(&uniform(6), 6).is_empty());
    }

    #[test]
    fn odd_borders_are_mended() {
        let at = HashKeyRange::uniform(2)[1].start.0;
        // A shard that ends one key before the border, and one of a single key.
        let cuts = [0, at - 1, at, at + 1, u128::MAX];
        let mut open: Vec<Piece> = (0..4)
            .map(|i| Piece {
                index: ShardIndex(i as u32),
                range: HashKeyRange {
                    start: HashKey(cuts[i]),
                    end: HashKey(if i == 3 { u128::MAX } else { cuts[i + 1] - 1 }),
                },
            })
            .collect();
        scale(&mut open, 2);
        assert_eq!(open.len(), 2);
        assert_eq!(open[1].range.start.0, at);
    }

    #[test]
    fn the_middle_of_the_whole_space() {
        assert_eq!(middle(&HashKeyRange::ALL), Some(HashKey(1 << 127)));
        assert_eq!(middle(&HashKeyRange { start: HashKey(5), end: HashKey(6) }), None);
    }
}
