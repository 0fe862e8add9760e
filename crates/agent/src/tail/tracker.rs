//! Which files are which: new ones, renamed ones, copies, and those that were cut.
//!
//! A file is known by device, inode and first bytes, never by its name. What rotation does to it:
//! - renamed, to whatever name in the folder: read on, also when the pattern does not mean the new name;
//! - copied and cut (`copytruncate`): the copy is read on from where the original had been read, and the original from
//!   its start. A copy that appears before the cut is passed over until then;
//! - removed: read to the end, as it is open.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use base::time::Timestamp;

use super::assembler::Assembler;
use super::copies::{Copies, EVIDENCE_BYTES_MIN};
use super::disk::{self, Found};
use super::file::TailedFile;
use crate::config::{Flow, InitialPosition};
use crate::notices::Notices;
use crate::positions::{FileId, FileKey, Head, Position, Positions};

/// A file that is in the folder no more is forgotten when nothing was written to it for so long.
const DEPARTED_QUIET: Duration = Duration::from_secs(10);
/// The same for one that has another name: who wrote it may still have it open.
const RENAMED_QUIET: Duration = Duration::from_secs(3600);
/// With more of those, the ones that were quiet for longest are forgotten like those that are gone.
const RENAMED_FILES_MAX: usize = 64;
/// A file without news is closed after so long.
const IDLE_QUIET: Duration = Duration::from_secs(60);
/// With more files open, those that are read to their end are closed at once. What is not read stays open, so that
/// rotation cannot take it away.
const OPEN_FILES_MAX: usize = 512;

pub struct Tracker {
    flow: Arc<Flow>,
    positions: Arc<Positions>,
    notices: Notices,
    /// In the order of reading: what is rotated is before what follows it.
    pub files: Vec<TailedFile>,
    /// Known from before and not found yet.
    absent: Vec<(FileKey, Position)>,
    copies: Copies,
    /// Where to begin in files that are not read yet.
    beginnings: BTreeMap<FileId, u64>,
    /// No list of the folder was had since the first start ever.
    is_first: bool,
}

impl Tracker {
    pub fn new(flow: Arc<Flow>, positions: Arc<Positions>, notices: Notices) -> Self {
        let known = positions.start(&flow.id);
        Self {
            flow,
            positions,
            notices,
            files: Vec::new(),
            is_first: known.is_none(),
            absent: known.unwrap_or_default(),
            copies: Copies::default(),
            beginnings: BTreeMap::new(),
        }
    }

    /// Brings what is known in line with what is in the folder.
    pub fn scan(&mut self, out: &mut Assembler, now: Timestamp) {
        let what = format!("folder of {}", self.flow.id);
        let mut new = match disk::list(&self.flow.files) {
            Ok(found) => {
                self.notices.over(&what);
                self.see_known(found, now)
            }
            Err(error) => return self.notices.trouble(&what, &format!("cannot be read: {error}")),
        };
        self.find_moved(now);
        self.check_changed(&mut new, out, now);
        self.resume(&mut new, now);
        self.copies.pass_over(&mut new, &self.files);
        // A file that vanished before it was read may leave its identity to another.
        self.beginnings.retain(|id, _| new.iter().any(|found| found.id == *id));
        self.resume_in_copies(&new, now);
        for found in new {
            self.adopt(&found, now);
        }
        self.is_first = false;
        self.let_go(now);
    }

    /// The file that content belongs to.
    pub fn file(&mut self, key: FileKey) -> Option<&mut TailedFile> {
        self.files.iter_mut().find(|file| file.key == key)
    }

    /// Takes what is known from what was found; answers the rest.
    fn see_known(&mut self, found: Vec<Found>, now: Timestamp) -> Vec<Found> {
        let mut new: BTreeMap<FileId, (usize, Found)> = BTreeMap::new();
        for (order, found) in found.into_iter().enumerate() {
            // A file with two names is one file.
            new.entry(found.id).or_insert((order, found));
        }
        for file in &mut self.files {
            match new.remove(&file.id) {
                Some((_, found)) => see(file, &found, true, &self.flow, &self.positions, now),
                None => file.miss(now),
            }
        }
        let mut new: Vec<(usize, Found)> = new.into_values().collect();
        new.sort_by_key(|(order, _)| *order);
        new.into_iter().map(|(_, found)| found).collect()
    }

    /// Looks for files that are missing under names that the pattern does not mean.
    fn find_moved(&mut self, now: Timestamp) {
        let missing = self.files.iter().filter(|file| !file.is_present).map(|file| file.id.inode);
        let absent = self.absent.iter().map(|(_, position)| position.id.inode);
        let inodes: BTreeSet<u64> = missing.chain(absent).collect();
        if inodes.is_empty() {
            return;
        }
        let Ok(found) = disk::with_inodes(self.flow.files.directory(), &inodes) else { return };
        for file in self.files.iter_mut().filter(|file| !file.is_present) {
            if let Some(found) = found.iter().find(|found| found.id == file.id) {
                see(file, found, false, &self.flow, &self.positions, now);
            }
        }
        let mut moved: Vec<Found> = found;
        moved.retain(|found| !self.flow.files.matches(found.name()));
        self.resume(&mut moved, now);
    }

    /// Looks at files that were written to: whether they still are what they were.
    fn check_changed(&mut self, new: &mut Vec<Found>, out: &mut Assembler, now: Timestamp) {
        for at in (0..self.files.len()).rev() {
            let file = &mut self.files[at];
            // What is open can be read, wherever it went.
            if !file.is_changed || !(file.is_present || file.file.is_some()) {
                continue;
            }
            match file.is_replaced() {
                Ok(false) => self.note_head(at),
                Ok(true) => self.start_anew(at, new, out, now),
                // Renamed since the list was made: the next list has it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => self.cannot_read(at, &error),
            }
        }
    }

    fn note_head(&mut self, at: usize) {
        let file = &mut self.files[at];
        file.is_changed = false;
        file.known_modified = file.modified;
        self.notices.over(&file.path.display().to_string());
        if matches!(file.extend_head(), Ok(true)) {
            let head = file.head.clone();
            self.positions.locate(&self.flow.id, file.key, |position| position.head = head);
        }
    }

    /// The file was cut, or written anew. What it had may go on in a copy.
    fn start_anew(&mut self, at: usize, new: &mut Vec<Found>, out: &mut Assembler, now: Timestamp) {
        let path = self.files[at].path.display().to_string();
        let Some(copy) = self.copies.find(&self.files[at], &self.files) else {
            let file = &mut self.files[at];
            self.notices.say(&format!("{path}: was cut or replaced, reading it from its start"));
            // The line without its end is in memory, and nowhere else.
            file.end_now(&self.flow, out, now);
            self.positions.forget(&self.flow.id, file.key);
            let found = found_of(file);
            self.files.remove(at);
            self.add(at, &found, 0, now);
            return;
        };
        self.notices.say(&format!("{path}: was cut, reading on in its copy {}", copy.path.display()));
        new.retain(|found| found.id != copy.id);
        self.copies.remove(copy.id);
        let file = &mut self.files[at];
        if copy.size < file.read_to() {
            // More than the copy has was read before the cut.
            file.end_now(&self.flow, out, now);
        }
        let (original, key) = (found_of(file), file.key);
        let head = if copy.size < file.head.bytes { Head::default() } else { file.head.clone() };
        let (read, offset) = (file.offset, file.offset.min(copy.size));
        let left = if offset < read { self.positions.clip(&self.flow.id, key, offset) } else { key };
        self.copies.follow(key, left);
        self.files[at] = TailedFile::new(left, &copy, head, offset, &self.flow, now);
        self.files[at].is_renamed = true;
        self.begin(at);
        self.add(at + 1, &original, 0, now);
    }

    /// Finds files that were read before the last start.
    fn resume(&mut self, new: &mut Vec<Found>, now: Timestamp) {
        if new.is_empty() {
            return;
        }
        for (key, position) in std::mem::take(&mut self.absent) {
            let is_same = |found: &&Found| found.id == position.id && continues(found, &position, 0);
            // The number of a device may change when the machine starts; names and copies are weaker evidence.
            let is_moved = |found: &&Found| {
                let path = std::path::Path::new(&position.path);
                let is_named = found.path == path || found.is_named_after(path);
                let evidence = if found.id.inode == position.id.inode { 1 } else { EVIDENCE_BYTES_MIN };
                is_named && continues(found, &position, evidence)
            };
            let place = new.iter().find(is_same).or_else(|| new.iter().find(is_moved)).map(|found| found.id);
            let Some(id) = place else {
                self.absent.push((key, position));
                continue;
            };
            let at = new.iter().position(|found| found.id == id).expect("just found");
            let found = new.remove(at);
            let file = TailedFile::new(key, &found, position.head, position.offset, &self.flow, now);
            self.files.push(file);
            self.begin(self.files.len() - 1);
        }
        // The order of reading is that of writing.
        self.files.sort_by_key(|file| file.modified);
    }

    /// Finds files that were read before the last start in copies that the pattern does not mean: another file is now
    /// where they were.
    fn resume_in_copies(&mut self, new: &[Found], now: Timestamp) {
        let is_taken = |found: &Found, position: &Position| {
            found.id == position.id || found.path == std::path::Path::new(&position.path)
        };
        let taken = self.absent.iter().filter(|(_, position)| new.iter().any(|found| is_taken(found, position)));
        let mut copies: Vec<Found> =
            taken.flat_map(|(_, position)| disk::named_after(position.path.as_ref()).unwrap_or_default()).collect();
        let mut seen: BTreeSet<FileId> = self.files.iter().map(|file| file.id).collect();
        copies.retain(|found| !self.flow.files.matches(found.name()) && seen.insert(found.id));
        self.resume(&mut copies, now);
    }

    /// Begins to read a file.
    fn adopt(&mut self, found: &Found, now: Timestamp) {
        let path = found.path.display().to_string();
        let is_to_skip = self.is_first && self.flow.initial_position == InitialPosition::EndOfFile;
        let open = match found.open() {
            Ok(open) => open,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.notices.say(&format!("{path}: vanished before it could be read"));
            }
            Err(error) => {
                if is_to_skip {
                    self.beginnings.insert(found.id, found.size);
                }
                return self.notices.trouble(&path, &format!("cannot be read: {error}; trying again"));
            }
        };
        self.notices.over(&path);
        let beginning = match self.beginnings.remove(&found.id) {
            Some(beginning) => beginning.min(found.size),
            None if is_to_skip => disk::last_line_start(&open, found.size).unwrap_or(found.size),
            None => 0,
        };
        // What was there by this identity is gone for good.
        let gone = self.absent.extract_if(.., |(_, position)| position.id == found.id);
        for (key, _) in gone.collect::<Vec<_>>() {
            self.positions.forget(&self.flow.id, key);
        }
        self.add(self.files.len(), found, beginning, now);
    }

    fn add(&mut self, at: usize, found: &Found, offset: u64, now: Timestamp) {
        let position = Position {
            path: found.path.to_string_lossy().into_owned(),
            id: found.id,
            offset,
            seen_millis: now.millis(),
            ..Position::default()
        };
        let key = self.positions.add(&self.flow.id, position.clone());
        self.files.insert(at, TailedFile::new(key, found, position.head, offset, &self.flow, now));
        self.begin(at);
    }

    /// Notes where content is to be found, and makes it ready to be read.
    fn begin(&mut self, at: usize) {
        let file = &self.files[at];
        self.positions.locate(&self.flow.id, file.key, |position| {
            position.path = file.path.to_string_lossy().into_owned();
            position.id = file.id;
        });
        // Who cannot be opened now is looked at again before it is read.
        if self.files[at].open().is_ok() {
            self.note_head(at);
        }
    }

    fn cannot_read(&self, at: usize, error: &io::Error) {
        let file = &self.files[at];
        self.notices.trouble(&file.path.display().to_string(), &format!("cannot be read: {error}; trying again"));
    }

    /// Forgets files that are gone and done, and closes those without news.
    fn let_go(&mut self, now: Timestamp) {
        let mut gone = Vec::new();
        let is_crowded = self.files.iter().filter(|file| file.file.is_some()).count() > OPEN_FILES_MAX;
        let renamed = self.files.iter().filter(|file| file.is_present && !file.is_listed);
        let mut renamed: Vec<_> = renamed.map(|file| (file.grown, file.modified)).collect();
        renamed.sort_unstable_by(|a, b| b.cmp(a));
        let kept_since = renamed.get(RENAMED_FILES_MAX).copied();
        for file in &mut self.files {
            let quiet = now.since(file.grown);
            let is_lost = !file.is_present && file.file.is_none() && file.has_unread();
            let is_kept = file.is_present && kept_since.is_none_or(|since| (file.grown, file.modified) > since);
            let quiet_max = if is_kept { RENAMED_QUIET } else { DEPARTED_QUIET };
            let is_done = file.size <= file.offset
                && self.positions.offset(&self.flow.id, file.key).is_none_or(|offset| offset >= file.offset);
            if is_lost {
                let path = file.path.display();
                let bytes = file.size - file.read_to();
                self.notices.say(&format!("{path}: vanished with {bytes} bytes that were not read"));
                gone.push((file.key, file.size));
            } else if !file.is_listed && is_done && quiet >= quiet_max {
                gone.push((file.key, file.offset));
            } else if file.is_present && !file.has_unread() && (is_crowded || quiet >= IDLE_QUIET) {
                file.file = None;
            }
        }
        for (key, offset) in gone {
            self.files.retain(|file| file.key != key);
            self.positions.forget(&self.flow.id, key);
            self.beginnings.extend(self.copies.let_go(key, offset));
        }
    }
}

fn see(file: &mut TailedFile, found: &Found, is_listed: bool, flow: &Flow, positions: &Positions, now: Timestamp) {
    positions.see(&flow.id, file.key, now);
    if file.see(found, is_listed, now) {
        let path = found.path.to_string_lossy().into_owned();
        positions.locate(&flow.id, file.key, |position| position.path = path);
    }
}

fn found_of(file: &TailedFile) -> Found {
    Found { path: file.path.clone(), id: file.id, size: file.size, modified: file.modified }
}

/// Whether a file goes on where a position is, with so many first bytes to know it by.
fn continues(found: &Found, position: &Position, evidence_bytes_min: u64) -> bool {
    found.size >= position.offset
        && position.head.bytes >= evidence_bytes_min
        && found.open().and_then(|open| disk::has_head(&open, &position.head)).unwrap_or(false)
}
