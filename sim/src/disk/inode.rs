//! What a file holds: as programs see it, and as it stands on the device.

use std::ops::Range;

use crate::random::Random;

/// The device writes units of this size whole, or not at all.
pub const SECTOR_BYTES: usize = 512;

#[derive(Debug, Default)]
pub struct Inode {
    /// What programs read.
    live: Vec<u8>,
    /// What has reached the device.
    device: Vec<u8>,
    /// Sectors of `live` that may not be on the device.
    pending: Vec<bool>,
    /// Bits that have been flipped, and not written since.
    flipped: Vec<usize>,
}

fn sectors(range: &Range<usize>) -> Range<usize> {
    range.start / SECTOR_BYTES..range.end.div_ceil(SECTOR_BYTES)
}

impl Inode {
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// The bytes in `range`, if all of them exist.
    pub fn read(&self, range: Range<usize>) -> Option<&[u8]> {
        self.live.get(range)
    }

    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        let range = offset..offset + bytes.len();
        self.flipped.retain(|bit| !range.contains(&(bit / 8)));
        if self.live.len() < range.end {
            self.live.resize(range.end, 0);
        }
        self.live[range.clone()].copy_from_slice(bytes);
        self.mark(&range, true);
    }

    pub fn set_len(&mut self, len: usize) {
        let before = self.live.len();
        self.flipped.retain(|bit| bit / 8 < len);
        self.live.resize(len, 0);
        self.mark(&(before.min(len)..before.max(len)), true);
    }

    /// Everything reaches the device.
    pub fn flush(&mut self) {
        self.flush_range(0..self.live.len());
        self.device.truncate(self.live.len());
        self.pending.clear();
    }

    /// What stands in `range` reaches the device.
    pub fn flush_range(&mut self, range: Range<usize>) {
        for sector in sectors(&range) {
            self.flush_sector(sector);
        }
    }

    /// A write to `range` breaks off: some sectors have reached the device, the others are as before.
    pub fn tear(&mut self, range: Range<usize>, random: &mut Random, kept_percent: u64) {
        for sector in sectors(&range) {
            if random.percent(kept_percent) {
                self.flush_sector(sector);
            } else {
                self.forget_sector(sector);
            }
        }
    }

    /// The power goes: of what was not flushed, some sectors have reached the device.
    pub fn lose_power(&mut self, random: &mut Random, kept_percent: u64) {
        for sector in 0..self.pending.len() {
            if self.pending[sector] && random.percent(kept_percent) {
                self.flush_sector(sector);
            }
        }
        self.live.clone_from(&self.device);
        self.pending.clear();
    }

    /// What is not on the device stays visible until the power goes, and never gets there.
    pub fn drop_pending(&mut self) {
        self.pending.clear();
    }

    /// Flips a bit, at rest.
    pub fn flip(&mut self, bit: usize) {
        self.flip_now(bit);
        self.flipped.push(bit);
    }

    /// Takes the flips back, unless something else has been written there since; answers whether there were any.
    pub fn mend(&mut self) -> bool {
        let flipped = std::mem::take(&mut self.flipped);
        flipped.iter().for_each(|bit| self.flip_now(*bit));
        !flipped.is_empty()
    }

    fn flip_now(&mut self, bit: usize) {
        for bytes in [&mut self.live, &mut self.device] {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    fn mark(&mut self, range: &Range<usize>, is_pending: bool) {
        let sectors = sectors(range);
        if self.pending.len() < sectors.end {
            self.pending.resize(sectors.end, false);
        }
        self.pending[sectors].fill(is_pending);
    }

    fn flush_sector(&mut self, sector: usize) {
        let start = sector * SECTOR_BYTES;
        let end = self.live.len().min(start + SECTOR_BYTES);
        if start >= end {
            return;
        }
        if self.device.len() < end {
            self.device.resize(end, 0);
        }
        self.device[start..end].copy_from_slice(&self.live[start..end]);
        if let Some(pending) = self.pending.get_mut(sector) {
            *pending = false;
        }
    }

    fn forget_sector(&mut self, sector: usize) {
        let start = sector * SECTOR_BYTES;
        let end = self.live.len().min(start + SECTOR_BYTES);
        for i in start..end {
            self.live[i] = self.device.get(i).copied().unwrap_or(0);
        }
        if let Some(pending) = self.pending.get_mut(sector) {
            *pending = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(inode: &Inode) -> Vec<u8> {
        inode.read(0..inode.len()).expect("all of it").to_vec()
    }

    #[test]
    fn what_was_flushed_survives_and_the_rest_is_torn_by_sectors() {
        let mut inode = Inode::default();
        inode.write(0, &[1; 2048]);
        inode.flush();
        inode.write(512, &[2; 1024]);
        inode.flush_range(512..1024);
        inode.lose_power(&mut Random::new(0), 0);
        let expected: Vec<u8> = [vec![1; 512], vec![2; 512], vec![1; 1024]].concat();
        assert_eq!(content(&inode), expected);
        let mut seen = [0; 2];
        for seed in 0..20 {
            inode.write(0, &[3; 1024]);
            inode.lose_power(&mut Random::new(seed), 50);
            for i in 0..2 {
                let sector = &content(&inode)[i * 512..(i + 1) * 512];
                assert!(sector.iter().all(|byte| *byte == sector[0]), "sectors are whole");
                seen[i] += usize::from(sector[0] == 3);
            }
            inode.write(0, &expected);
            inode.flush();
        }
        assert!(seen.iter().all(|seen| (1..20).contains(seen)), "{seen:?}");
    }

    #[test]
    fn lengths_are_lost_too() {
        let mut inode = Inode::default();
        inode.write(0, &[1; 700]);
        inode.lose_power(&mut Random::new(0), 0);
        assert_eq!(inode.len(), 0);
        inode.write(0, &[1; 700]);
        inode.lose_power(&mut Random::new(0), 100);
        assert_eq!(content(&inode), [1; 700]);
        inode.set_len(100);
        inode.flush();
        inode.lose_power(&mut Random::new(0), 0);
        assert_eq!(content(&inode), [1; 100]);
    }
}
