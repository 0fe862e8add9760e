//! One file that is read, whatever its name becomes.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use base::time::Timestamp;

use super::assembler::Assembler;
use super::buffer::LineBuffer;
use super::disk::{self, Found};
use crate::config::Flow;
use crate::positions::{FileId, FileKey, Head};

/// A multi-line record ends when nothing was written for so long.
const MULTI_LINE_QUIET: Duration = Duration::from_secs(1);
/// A line without its end ends when nothing was written to a rotated file for so long.
const ROTATED_QUIET: Duration = Duration::from_secs(2);
/// The same for a file that kept its name, while newer ones are written.
const SUCCEEDED_QUIET: Duration = Duration::from_secs(60);

pub struct TailedFile {
    pub key: FileKey,
    pub id: FileId,
    pub path: PathBuf,
    pub head: Head,
    /// Everything before is in records.
    pub offset: u64,
    buffer: LineBuffer,
    pub size: u64,
    pub modified: SystemTime,
    /// When it was last seen to grow, or else first seen.
    pub grown: Timestamp,
    /// It is in the folder by a name that the pattern means.
    pub is_listed: bool,
    /// It is in the folder.
    pub is_present: bool,
    pub is_renamed: bool,
    /// Written to since its head was looked at.
    pub is_changed: bool,
    /// When it was last written to before its head was looked at.
    pub known_modified: SystemTime,
    header_lines_left: u64,
    /// In a record that is too large: the rest up to its end is dropped.
    is_dropping: bool,
    pub file: Option<File>,
}

impl TailedFile {
    pub fn new(key: FileKey, found: &Found, head: Head, offset: u64, flow: &Flow, now: Timestamp) -> Self {
        Self {
            key,
            id: found.id,
            path: found.path.clone(),
            head,
            offset,
            buffer: LineBuffer::default(),
            size: found.size,
            modified: found.modified,
            grown: now,
            is_listed: flow.files.matches(found.name()),
            is_present: true,
            is_renamed: false,
            is_changed: true,
            known_modified: found.modified,
            header_lines_left: if offset == 0 { flow.skip_header_lines } else { 0 },
            is_dropping: false,
            file: None,
        }
    }

    /// Up to where it has been read.
    pub fn read_to(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    pub fn has_unread(&self) -> bool {
        self.size > self.read_to()
    }

    /// Notes what the folder says; answers whether it has another name now.
    pub fn see(&mut self, found: &Found, is_listed: bool, now: Timestamp) -> bool {
        self.is_present = true;
        self.is_listed = is_listed;
        self.measure(found.size, found.modified, now);
        let is_moved = self.path != found.path;
        if is_moved {
            self.path.clone_from(&found.path);
            self.is_renamed = true;
        }
        is_moved
    }

    /// It is in the folder no more; what is open can still be read, and written by others.
    pub fn miss(&mut self, now: Timestamp) {
        self.is_present = false;
        self.is_listed = false;
        if let Some(metadata) = self.file.as_ref().and_then(|file| file.metadata().ok()) {
            self.measure(metadata.len(), disk::modified(&metadata), now);
        }
    }

    fn measure(&mut self, size: u64, modified: SystemTime, now: Timestamp) {
        if size != self.size || modified != self.modified {
            self.is_changed = true;
            self.grown = now;
        }
        (self.size, self.modified) = (size, modified);
    }

    pub fn open(&mut self) -> io::Result<&File> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(disk::open_same(&self.path, self.id)?)),
        }
    }

    /// Whether the content is another one than before, because the file was cut or written anew.
    pub fn is_replaced(&mut self) -> io::Result<bool> {
        let head = self.head.clone();
        if self.size < self.read_to() {
            return Ok(true);
        }
        Ok(!disk::has_head(self.open()?, &head)?)
    }

    /// Makes the head longer, if it can be; answers whether it is.
    pub fn extend_head(&mut self) -> io::Result<bool> {
        if !disk::is_short(&self.head) || self.size <= self.head.bytes {
            return Ok(false);
        }
        let size = self.size;
        self.head = disk::head_of(self.open()?, size)?;
        Ok(true)
    }

    /// Hands records on until the next one is not there yet (`false`) or a batch is ready (`true`).
    pub fn parse(&mut self, flow: &Flow, out: &mut Assembler, now: Timestamp) -> bool {
        loop {
            // Headers are lines, whatever records are.
            let pattern = flow.multi_line_start.as_ref().filter(|_| self.header_lines_left == 0);
            match self.buffer.next_end(pattern) {
                Some(end) => self.hand_on(end, true, out, now),
                None if self.buffer.is_full() => self.hand_on(self.buffer.len(), false, out, now),
                None => {
                    self.buffer.rest();
                    return false;
                }
            }
            if out.is_ready() {
                return true;
            }
        }
    }

    /// Reads on, up to that place.
    pub fn fill(&mut self, until: u64) -> io::Result<usize> {
        let at = self.read_to();
        let bytes_max = until.saturating_sub(at);
        self.open()?;
        let file = self.file.as_ref().expect("just opened");
        self.buffer.fill(file, at, bytes_max)
    }

    /// Hands on what waits for an end that does not come.
    pub fn end_quiet(&mut self, flow: &Flow, has_successor: bool, out: &mut Assembler, now: Timestamp) {
        if self.buffer.len() == 0 || self.has_unread() {
            return;
        }
        let quiet = now.since(self.grown);
        let is_rotated = self.is_renamed || !self.is_listed;
        if (is_rotated && quiet >= ROTATED_QUIET) || (has_successor && quiet >= SUCCEEDED_QUIET) {
            self.hand_on(self.buffer.len(), true, out, now);
        } else if flow.multi_line_start.is_some() && self.buffer.complete_lines() > 0 && quiet >= MULTI_LINE_QUIET {
            self.hand_on(self.buffer.complete_lines(), true, out, now);
        }
    }

    /// Hands on all that was read, as the file's content is gone.
    pub fn end_now(&mut self, flow: &Flow, out: &mut Assembler, now: Timestamp) {
        // Also while nobody takes batches: there is nowhere else to keep them.
        while self.parse(flow, out, now) {}
        if self.buffer.len() > 0 {
            self.hand_on(self.buffer.len(), true, out, now);
        }
    }

    /// `is_whole`: the bytes reach to the end of a record.
    fn hand_on(&mut self, bytes: usize, is_whole: bool, out: &mut Assembler, now: Timestamp) {
        self.offset += bytes as u64;
        let raw = self.buffer.take(bytes);
        if self.header_lines_left > 0 {
            self.header_lines_left -= u64::from(is_whole);
            // Not before the last one: who starts again at an offset does not look for headers.
            if self.header_lines_left == 0 {
                out.pass_over(self.key, self.offset, now);
            }
        } else if self.is_dropping {
            self.is_dropping = !is_whole;
            if is_whole {
                out.pass_over(self.key, self.offset, now);
            }
        } else {
            self.is_dropping = !is_whole;
            out.add(self.key, self.offset, raw, now);
        }
    }
}
