//! Chooses a place in a data directory and damages it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::random::Random;

/// Bytes behind the content of a file that are still likely to be hit.
const MARGIN_BYTES: u64 = 4096;
/// Where a log ends is where damage is taken for a torn write most easily: this much of the end of the content is hit more often.
const END_BYTES: u64 = 64 << 10;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Journal,
    Segment,
    Footer,
    Manifest,
    Catalog,
    CatalogLog,
    RootKey,
}

/// How often each class is hit, of a hundred.
const WEIGHTS: [(Class, u64); 7] = [
    (Class::Journal, 25),
    (Class::Segment, 20),
    (Class::Footer, 15),
    (Class::Manifest, 15),
    (Class::Catalog, 15),
    (Class::CatalogLog, 8),
    (Class::RootKey, 2),
];

/// A part of a file that can be damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub class: Class,
    /// In the data directory.
    pub file: PathBuf,
    pub start: u64,
    /// One after its last byte.
    pub end: u64,
    /// The bytes behind this one are zeros.
    pub content_end: u64,
}

/// One injury.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    pub class: Class,
    pub file: PathBuf,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Flip { offset: u64, bit: u8 },
    Cut { len: u64 },
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.what {
            What::Flip { offset, bit } => write!(f, "bit {bit} of byte {offset} of {} flipped", self.file.display()),
            What::Cut { len } => write!(f, "{} cut to {len} bytes", self.file.display()),
        }
    }
}

/// Chooses a target by the weight of its class, and a place in it.
pub(super) fn choose(targets: &[Target], random: &mut Random) -> Damage {
    let class = loop {
        let mut left = random.below(100);
        let hit = WEIGHTS.iter().find(|(_, weight)| {
            let hit = left < *weight;
            left = left.saturating_sub(*weight);
            hit
        });
        let class = hit.expect("the weights sum up to 100").0;
        if targets.iter().any(|target| target.class == class) {
            break class;
        }
    };
    let of_class: Vec<&Target> = targets.iter().filter(|target| target.class == class).collect();
    let target = of_class[random.index(of_class.len())];
    let near = (target.content_end + MARGIN_BYTES).clamp(target.start + 1, target.end);
    let (start, end) = match random.below(10) {
        0 => (target.start, target.end),
        1 | 2 => (near.saturating_sub(END_BYTES).max(target.start), near),
        _ => (target.start, near),
    };
    let offset = random.between(start, end - 1);
    let what = if random.chance(25) {
        What::Cut { len: offset }
    } else {
        What::Flip { offset, bit: u8::try_from(random.below(8)).expect("eight bits") }
    };
    Damage { class, file: target.file.clone(), what }
}

impl Damage {
    pub(super) fn apply(&self, dir: &Path) -> io::Result<()> {
        let file = File::options().read(true).write(true).open(dir.join(&self.file))?;
        match self.what {
            What::Cut { len } => file.set_len(len),
            What::Flip { offset, bit } => {
                let mut byte = [0];
                file.read_exact_at(&mut byte, offset)?;
                byte[0] ^= 1 << bit;
                file.write_all_at(&byte, offset)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_stays_within_its_target_and_changes_one_bit() {
        assert_eq!(WEIGHTS.iter().map(|(_, weight)| weight).sum::<u64>(), 100);
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("f");
        let target = Target { class: Class::Segment, file: "f".into(), start: 10, end: 20_000, content_end: 100 };
        let mut random = Random::new(5);
        let mut cuts = 0;
        for _ in 0..200 {
            let damage = choose(std::slice::from_ref(&target), &mut random);
            std::fs::write(&path, vec![0; 20_000]).expect("written");
            damage.apply(folder.path()).expect("damaged");
            let bytes = std::fs::read(&path).expect("read");
            match damage.what {
                What::Cut { len } => {
                    cuts += 1;
                    assert!((10..20_000).contains(&len) && bytes.len() as u64 == len);
                }
                What::Flip { offset, bit } => {
                    assert!((10..20_000).contains(&offset));
                    let changed: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
                    assert_eq!(changed, [usize::try_from(offset).expect("small")]);
                    assert_eq!(bytes[changed[0]], 1 << bit);
                }
            }
        }
        assert!((20..80).contains(&cuts), "{cuts}");
    }
}
