//! What is in the folder: files, by identity and by their first bytes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::os::unix::fs::{DirEntryExt as _, FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::FilePattern;
use crate::positions::{FileId, Head};
use crate::record;

/// By so many bytes a file is known again.
const HEAD_BYTES_MAX: u64 = 1024;
/// So many bytes before its end are compared to know a copy.
const TAIL_BYTES: u64 = 4096;
/// So far from its end the last line of a file is looked for.
const LAST_LINE_BYTES_MAX: u64 = 1 << 20;

/// A file of the folder.
#[derive(Debug, Clone)]
pub struct Found {
    pub path: PathBuf,
    pub id: FileId,
    pub size: u64,
    pub modified: SystemTime,
}

impl Found {
    pub fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// The file by this name, if it still is the same.
    pub fn open(&self) -> io::Result<File> {
        open_same(&self.path, self.id)
    }

    /// Whether this can be a copy of the file at `path`, by its name: rotation puts an ending to the name.
    pub fn is_named_after(&self, path: &Path) -> bool {
        let original = path.file_name().unwrap_or_default().as_encoded_bytes();
        let name = self.name().as_encoded_bytes();
        name.len() > original.len() && name.starts_with(original)
    }
}

/// # Errors
/// `NotFound` if there is another file now.
pub fn open_same(path: &Path, id: FileId) -> io::Result<File> {
    let file = File::open(path)?;
    if id_of(&file.metadata()?) == id { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// The regular files that a pattern means, least recently written first.
pub fn list(pattern: &FilePattern) -> io::Result<Vec<Found>> {
    let is_meant = |entry: &DirEntry| pattern.matches(&entry.file_name());
    let mut files = files(pattern.directory(), is_meant)?;
    // Of two that were written at once, the one with the longer ending was rotated.
    files.sort_by(|a, b| (a.modified, &b.path).cmp(&(b.modified, &a.path)));
    Ok(files)
}

/// The files of a folder with these inodes, whatever their names.
pub fn with_inodes(directory: &Path, inodes: &BTreeSet<u64>) -> io::Result<Vec<Found>> {
    files(directory, |entry| inodes.contains(&entry.ino()))
}

/// The files of a folder whose names go on after that of `path`, most recently written first.
pub fn named_after(path: &Path) -> io::Result<Vec<Found>> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut files = files(directory, |entry| {
        let other = entry.file_name();
        other.as_encoded_bytes().starts_with(name) && other.len() > name.len() && !crate::config::is_compressed(&other)
    })?;
    files.sort_by_key(|file| std::cmp::Reverse(file.modified));
    Ok(files)
}

fn files(directory: &Path, is_wanted: impl Fn(&DirEntry) -> bool) -> io::Result<Vec<Found>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !is_wanted(&entry) {
            continue;
        }
        let path = entry.path();
        // Through symbolic links. Who is gone by now is gone.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_file() {
            files.push(Found { id: id_of(&metadata), size: metadata.len(), modified: modified(&metadata), path });
        }
    }
    Ok(files)
}

pub fn id_of(metadata: &Metadata) -> FileId {
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

pub fn modified(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The head of a file of that size.
pub fn head_of(file: &File, size: u64) -> io::Result<Head> {
    let bytes = size.min(HEAD_BYTES_MAX);
    Ok(Head { bytes, md5: record::md5(&part(file, 0, bytes)?) })
}

/// Whether a head may be replaced by a longer one.
pub fn is_short(head: &Head) -> bool {
    head.bytes < HEAD_BYTES_MAX
}

/// Whether a file begins with that head. Nothing is known by an empty one.
pub fn has_head(file: &File, head: &Head) -> io::Result<bool> {
    match part(file, 0, head.bytes) {
        Ok(bytes) => Ok(record::md5(&bytes) == head.md5 || head.bytes == 0),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the bytes of two files up to that place begin and end the same.
pub fn have_same_ends(a: &File, b: &File, end: u64) -> io::Result<bool> {
    let (head, tail) = (end.min(HEAD_BYTES_MAX), end.min(TAIL_BYTES));
    Ok(part(a, 0, head)? == part(b, 0, head)? && part(a, end - tail, tail)? == part(b, end - tail, tail)?)
}

/// Where the last line of a file begins that has no end yet; its size if all have one, or the last is very long.
pub fn last_line_start(file: &File, size: u64) -> io::Result<u64> {
    let bytes = size.min(LAST_LINE_BYTES_MAX);
    let tail = part(file, size - bytes, bytes)?;
    let without_newline = if bytes == size { 0 } else { size };
    Ok(memchr::memrchr(b'\n', &tail).map_or(without_newline, |newline| size - bytes + newline as u64 + 1))
}

fn part(file: &File, at: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut part = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut part, at)?;
    Ok(part)
}
