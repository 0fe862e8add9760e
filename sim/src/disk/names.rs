//! The names in one directory: as programs see them, and as they stand on the device.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::inode::Inode;
use crate::random::Random;

pub type SharedInode = Arc<Mutex<Inode>>;
type Names = BTreeMap<String, SharedInode>;

#[derive(Debug, Default)]
pub struct Directory {
    live: Names,
    device: Names,
    /// What has happened since the directory was last flushed. A loss of power keeps a beginning of it.
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Link(String, SharedInode),
    Unlink(String),
    Rename(String, String),
}

impl Directory {
    pub fn get(&self, name: &str) -> Option<&SharedInode> {
        self.live.get(name)
    }

    /// In order of names.
    pub fn files(&self) -> impl Iterator<Item = (&String, &SharedInode)> {
        self.live.iter()
    }

    pub fn link(&mut self, name: &str, inode: SharedInode) {
        self.change(Change::Link(name.to_owned(), inode));
    }

    pub fn unlink(&mut self, name: &str) {
        self.change(Change::Unlink(name.to_owned()));
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
    }

    /// Every file that has a name, or may have one again when the power goes.
    pub fn every_inode(&self) -> Vec<SharedInode> {
        let mut inodes: Vec<SharedInode> = self.live.values().chain(self.device.values()).cloned().collect();
        inodes.extend(self.pending.iter().filter_map(|change| match change {
            Change::Link(_, inode) => Some(Arc::clone(inode)),
            Change::Unlink(_) | Change::Rename(_, _) => None,
        }));
        inodes
    }

    pub fn flush(&mut self) {
        self.device.clone_from(&self.live);
        self.pending.clear();
    }

    pub fn lose_power(&mut self, random: &mut Random) {
        let kept = random.index(self.pending.len() + 1);
        for change in std::mem::take(&mut self.pending).into_iter().take(kept) {
            apply(&mut self.device, change);
        }
        self.live.clone_from(&self.device);
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.live, change.clone());
        self.pending.push(change);
    }
}

fn apply(names: &mut Names, change: Change) {
    match change {
        Change::Link(name, inode) => {
            names.insert(name, inode);
        }
        Change::Unlink(name) => {
            names.remove(&name);
        }
        Change::Rename(from, to) => {
            if let Some(inode) = names.remove(&from) {
                names.insert(to, inode);
            }
        }
    }
}
