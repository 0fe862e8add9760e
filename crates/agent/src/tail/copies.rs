//! Copies of files that are read: passed over as long as they have only what the original has, and read on in once the
//! original is cut.

use std::collections::BTreeMap;
use std::io;
use std::time::SystemTime;

use super::disk::{self, Found};
use super::file::TailedFile;
use crate::positions::{FileId, FileKey};

/// A file in another place is known again by so many first bytes, not by fewer.
pub const EVIDENCE_BYTES_MIN: u64 = 256;

/// Files that were compared with one that is read.
#[derive(Default)]
pub struct Copies(BTreeMap<FileId, Copied>);

struct Copied {
    original: FileKey,
    /// As it was when it was compared.
    size: u64,
    modified: SystemTime,
}

impl Copied {
    fn is_unchanged(&self, found: &Found) -> bool {
        (self.size, self.modified) == (found.size, found.modified)
    }
}

impl Copies {
    /// Takes copies out of the new files, and what may become one. One that goes on by itself stays: it is a file of its
    /// own.
    pub fn pass_over(&mut self, new: &mut Vec<Found>, files: &[TailedFile]) {
        let mut copies = BTreeMap::new();
        new.retain(|found| {
            let original = self.original(found, files).or_else(|| files.iter().find(|file| is_copy(found, file)));
            if let Some(file) = original {
                let copied = Copied { original: file.key, size: found.size, modified: found.modified };
                copies.insert(found.id, copied);
            }
            original.is_none() && !is_beginning_of_copy(found, files)
        });
        self.0 = copies;
    }

    /// What a file was a copy of before, if it still is one.
    fn original<'a>(&self, found: &Found, files: &'a [TailedFile]) -> Option<&'a TailedFile> {
        let copied = self.0.get(&found.id)?;
        let file = files.iter().find(|file| file.key == copied.original)?;
        let is_still = || copied.is_unchanged(found) || has_same_ends(found, file).unwrap_or(false);
        (found.size <= file.size && is_still()).then_some(file)
    }

    /// A file that has what this one had before it was cut.
    pub fn find(&self, file: &TailedFile, files: &[TailedFile]) -> Option<Found> {
        if file.head.bytes == 0 {
            return None;
        }
        let candidates = disk::named_after(&file.path).ok()?;
        candidates.into_iter().find(|found| {
            let is_read = files.iter().any(|other| other.id == found.id);
            let known = self.0.get(&found.id).filter(|copied| copied.original == file.key);
            // A short head may be the same in each file of a series: a copy is not older than what it was made of.
            let is_evident = file.head.bytes >= EVIDENCE_BYTES_MIN || found.modified >= file.known_modified;
            let has_head = || found.open().and_then(|open| disk::has_head(&open, &file.head));
            known.is_some_and(|copied| copied.is_unchanged(found))
                || (!is_read && is_evident && has_head().unwrap_or(false))
        })
    }

    pub fn remove(&mut self, id: FileId) {
        self.0.remove(&id);
    }

    /// The content of an original has another key.
    pub fn follow(&mut self, from: FileKey, to: FileKey) {
        for copied in self.0.values_mut().filter(|copied| copied.original == from) {
            copied.original = to;
        }
    }

    /// Removes the copies of a file that was done up to `offset`; answers up to where they are done with it. Short ones
    /// may be files of their own that began the same.
    pub fn let_go(&mut self, original: FileKey, offset: u64) -> impl Iterator<Item = (FileId, u64)> {
        let copies = self.0.extract_if(.., move |_, copied| copied.original == original);
        let copies = copies.filter(|(_, copied)| copied.size >= EVIDENCE_BYTES_MIN);
        copies.map(move |(id, copied)| (id, offset.min(copied.size)))
    }
}

/// Whether a file is empty yet, and what comes into it may be what is in another.
fn is_beginning_of_copy(found: &Found, files: &[TailedFile]) -> bool {
    found.size == 0 && files.iter().any(|file| file.is_present && found.is_named_after(&file.path))
}

/// Whether a new file is a copy of one that is read: by its name, and by its first and last bytes.
fn is_copy(found: &Found, file: &TailedFile) -> bool {
    file.is_present
        && (1..=file.size).contains(&found.size)
        && found.is_named_after(&file.path)
        && has_same_ends(found, file).unwrap_or(false)
}

fn has_same_ends(found: &Found, file: &TailedFile) -> io::Result<bool> {
    // What is open can be read wherever it went.
    let opened = if file.file.is_none() { Some(disk::open_same(&file.path, file.id)?) } else { None };
    let original = file.file.as_ref().or(opened.as_ref()).expect("one of them");
    disk::have_same_ends(&found.open()?, original, found.size)
}
