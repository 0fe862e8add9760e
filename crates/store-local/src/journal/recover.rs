//! Puts the frames of all journal files together and decides where the log ends.
//!
//! Frames are numbered through all files. Up to `in_flight_max` frames may be unfinished at a crash, and an
//! acknowledgement is given only when all earlier frames are on the device. Each frame says which ones were, when it was
//! begun. So of the last run, the first missing frame ends the log if no frame that was ever begun says that it was on the
//! device, by this or by a number that is higher by `in_flight_max` or more: what lies behind it was never acknowledged.
//! Otherwise frames are missing that were acknowledged: damage. The end of an earlier run is written in the headers of the
//! next.

use std::path::{Path, PathBuf};

use store::root_key::RootKey;

use super::FIRST_FRAME_OFFSET;
use super::file::{file_name, number_of};
use super::prepare::HALF_MADE_SUFFIX;
use super::scan::{Scan, ScannedBatch, scan};
use super::spares::spare_path;
use crate::error::OpenError;
use crate::files::Files;

/// What the manifest says of the journals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Journals up to this one are in segments.
    pub sealed_through: u32,
    /// Journals up to this one must be there, or a spare file of the number if nothing was written to it.
    pub journals_through: u32,
    /// First frame that is not in segments.
    pub first_frame: u64,
    /// Frames below this number were acknowledged, whatever the files say.
    pub frames_end: u64,
}

/// A journal and its accepted batches.
pub(crate) struct RecoveredJournal {
    pub scan: Scan,
    /// How many of the scan's batches belong to the log.
    pub accepted: usize,
}

impl RecoveredJournal {
    pub(crate) fn batches(&self) -> &[ScannedBatch] {
        &self.scan.batches[..self.accepted]
    }
}

pub(crate) struct Recovered {
    /// In order.
    pub journals: Vec<RecoveredJournal>,
    /// Number of the first frame of the run that begins now.
    pub next_frame: u64,
    pub next_journal: u32,
    pub next_run: u64,
}

/// Reads all journals of the directory, with so many threads. Removes files that can hold nothing of the log, or makes them spare files.
pub(crate) fn recover(
    dir: &Path,
    known: Known,
    files: &dyn Files,
    root_key: &dyn RootKey,
    threads: usize,
) -> Result<Recovered, OpenError> {
    let paths = journal_paths(dir, known, files)?;
    let scans = scan_all(&paths, files, root_key, threads)?;
    let next_run = scans.iter().map(|scan| scan.header.run).max().unwrap_or(0) + 1;
    let (mut journals, next_frame) = walk(dir, scans, known)?;
    flush_last_run(&journals)?;
    let next_journal = spare_unused(dir, &mut journals, known.sealed_through, files)?;
    Ok(Recovered { journals, next_frame, next_journal, next_run })
}

/// The last run may have left frames with the operating system: all of them if it did not flush, those that were under way
/// when its process was killed if it did. They go to the device before the next run relies on them: without that a later
/// loss of power would look like damage.
fn flush_last_run(journals: &[RecoveredJournal]) -> Result<(), OpenError> {
    let last = journals.last().map(|journal| journal.scan.header.run);
    for journal in journals.iter().filter(|journal| Some(journal.scan.header.run) == last) {
        let journal = &journal.scan.journal;
        journal.file.flush().map_err(OpenError::io(&journal.path))?;
    }
    Ok(())
}

/// Makes spare files of the journals at the end to which nothing was ever written; answers the number that the next one
/// gets. Each keeps its number, so that it is there under one name or the other at all times; the last goes first, so
/// that the journals have no gap.
fn spare_unused(
    dir: &Path,
    journals: &mut Vec<RecoveredJournal>,
    sealed_through: u32,
    files: &dyn Files,
) -> Result<u32, OpenError> {
    let is_unused =
        |journal: &&RecoveredJournal| journal.scan.frames.is_empty() && journal.scan.later_number_max.is_none();
    let used = journals.len() - journals.iter().rev().take_while(is_unused).count();
    for journal in journals.drain(used..).rev() {
        let journal = &journal.scan.journal;
        files.rename(&journal.path, &spare_path(dir, journal.number)).map_err(OpenError::io(&journal.path))?;
    }
    Ok(journals.last().map_or(sealed_through, |journal| journal.scan.journal.number) + 1)
}

/// Paths of the unsealed journals, in order.
fn journal_paths(dir: &Path, known: Known, files: &dyn Files) -> Result<Vec<PathBuf>, OpenError> {
    let mut numbered = Vec::new();
    let listed = files.list(dir).map_err(OpenError::io(dir))?;
    for file in &listed {
        let path = dir.join(&file.name);
        match number_of(&file.name) {
            Some(number) if number > known.sealed_through => numbered.push((number, path)),
            // Already in segments.
            Some(_) => files.remove(&path).map_err(OpenError::io(&path))?,
            None if file.name.ends_with(HALF_MADE_SUFFIX) => files.remove(&path).map_err(OpenError::io(&path))?,
            None => {}
        }
    }
    numbered.sort();
    let mut expected = known.sealed_through;
    for (number, path) in &numbered {
        expected += 1;
        if *number != expected {
            let reason = format!("journal {} before it is missing", file_name(expected));
            return Err(OpenError::damaged(path, 0, reason));
        }
    }
    for missing in expected + 1..=known.journals_through {
        if !listed.iter().any(|file| dir.join(&file.name) == spare_path(dir, missing)) {
            return Err(OpenError::damaged(&dir.join(file_name(missing)), 0, "the journal is missing"));
        }
    }
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

fn scan_all(
    paths: &[PathBuf],
    files: &dyn Files,
    root_key: &dyn RootKey,
    threads: usize,
) -> Result<Vec<Scan>, OpenError> {
    if threads <= 1 {
        return paths.iter().map(|path| scan(path, files, root_key, false)).collect();
    }
    let scan_some = |first: usize| -> Vec<(usize, Result<Scan, OpenError>)> {
        (first..paths.len()).step_by(threads).map(|i| (i, scan(&paths[i], files, root_key, true))).collect()
    };
    let mut scans = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..threads.min(paths.len())).map(|i| scope.spawn(move || scan_some(i))).collect();
        let mut scans = scan_some(0);
        for thread in threads {
            scans.extend(thread.join().expect("scanning does not panic"));
        }
        scans
    });
    scans.sort_by_key(|(i, _)| *i);
    scans.into_iter().map(|(_, scan)| scan).collect()
}

/// Where the walk through the frames stands.
struct Walk {
    /// Number of the next frame.
    next: u64,
    /// CRC that the next frame must name, if it is known.
    crc: Option<u32>,
    /// File and offset at which the next frame was looked for last.
    place: (PathBuf, u32),
    /// Whether a file has been looked at.
    placed: bool,
}

fn walk(dir: &Path, scans: Vec<Scan>, known: Known) -> Result<(Vec<RecoveredJournal>, u64), OpenError> {
    let mut walk = Walk { next: known.first_frame, crc: None, place: (dir.to_owned(), 0), placed: false };
    let mut journals = Vec::with_capacity(scans.len());
    let mut rest = scans.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut run = vec![first];
        while let Some(scan) = rest.next_if(|scan| scan.header.run == run[0].header.run) {
            run.push(scan);
        }
        let end = rest.peek().map(|scan| scan.header.run_first_frame);
        journals.extend(walk_run(&mut walk, run, end, known)?);
    }
    if walk.next < known.frames_end {
        return Err(missing(&walk, known.frames_end - 1));
    }
    Ok((journals, walk.next))
}

/// Accepts the frames of one run. `end`: first frame number of the next run, if there is one.
fn walk_run(
    walk: &mut Walk,
    run: Vec<Scan>,
    end: Option<u64>,
    known: Known,
) -> Result<Vec<RecoveredJournal>, OpenError> {
    let header = &run[0].header;
    let in_flight_max = u64::from(header.in_flight_max);
    if walk.next == header.run_first_frame {
        walk.crc = Some(0);
    } else if walk.next < header.run_first_frame {
        walk.place = (run[0].journal.path.clone(), 0);
        return Err(missing(walk, header.run_first_frame));
    }
    let mut highest = None;
    let mut durable_end = known.frames_end;
    let mut journals = Vec::with_capacity(run.len());
    for scan in run {
        if let Some(first) = scan.frames.first().filter(|first| first.number < walk.next) {
            let reason = format!("frame {} stands where frame {} is the next", first.number, walk.next);
            return Err(OpenError::damaged(&scan.journal.path, u64::from(FIRST_FRAME_OFFSET), reason));
        }
        highest = highest.max(scan.later_number_max).max(scan.frames.last().map(|frame| frame.number));
        durable_end = durable_end.max(scan.durable_end);
        let accepted = accept(walk, &scan, end);
        journals.push(RecoveredJournal { scan, accepted });
    }
    let acknowledged_end = match end {
        Some(end) => end,
        None => highest.map_or(0, |highest| (highest + 1).saturating_sub(in_flight_max)).max(durable_end),
    };
    if walk.next < acknowledged_end { Err(missing(walk, acknowledged_end - 1)) } else { Ok(journals) }
}

/// Accepts the frames of one file that continue the log; answers how many of its batches that are.
fn accept(walk: &mut Walk, scan: &Scan, end: Option<u64>) -> usize {
    let mut batches = 0;
    for frame in &scan.frames {
        let wanted = frame.number == walk.next && end.is_none_or(|end| frame.number < end);
        if !wanted || walk.crc.is_some_and(|crc| crc != frame.previous_crc) {
            break;
        }
        batches = frame.batches_end;
        walk.next += 1;
        walk.crc = Some(frame.crc);
        walk.place = (scan.journal.path.clone(), frame.end);
    }
    let begins_broken = scan.frames.is_empty() && scan.later_number_max.is_some();
    if batches == 0 && (begins_broken || !walk.placed) {
        walk.place = (scan.journal.path.clone(), scan.end());
    }
    walk.placed = true;
    batches
}

fn missing(walk: &Walk, evidence: u64) -> OpenError {
    let reason = format!("frame {} is missing, but frame {evidence} was acknowledged", walk.next);
    OpenError::damaged(&walk.place.0, u64::from(walk.place.1), reason)
}
