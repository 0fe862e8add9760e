//! A bare log: group commit into one file, two commits in flight, and nothing else. It keeps no index, checks no
//! shard and goes round in its file, so nothing can be read back: it is a measure, not a store.
//!
//! An append is answered when the write that holds it is on the disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::fd::OwnedFd;
use tokio::sync::oneshot;

use super::{AlignedBuffer, BLOCK_BYTES, written_file};

const FILE_BYTES: u64 = 512 << 20;
/// A commit takes no further append from here on.
const COMMIT_BYTES: usize = 1 << 20;
const APPENDS_WAITING_MAX: usize = 1024;
const IN_FLIGHT: usize = 2;

/// The records of one batch as they go into the log, behind a length and a checksum.
pub(crate) fn frame<'a>(records: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut frame = vec![0; HEAD_BYTES];
    for record in records {
        frame.extend_from_slice(&(record.len() as u32).to_le_bytes());
        frame.extend_from_slice(record);
    }
    finish_frame(&mut frame);
    frame
}

/// Room for length and checksum at the beginning of a frame.
pub(super) const HEAD_BYTES: usize = 8;

/// Writes the head of a frame whose body is complete.
pub(super) fn finish_frame(frame: &mut [u8]) {
    let checksum = crc_fast::crc32_iscsi(&frame[HEAD_BYTES..]);
    let length = (frame.len() - HEAD_BYTES) as u32;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame[4..HEAD_BYTES].copy_from_slice(&checksum.to_le_bytes());
}

struct Append {
    frame: Vec<u8>,
    done: oneshot::Sender<Result<(), String>>,
}

/// Commits until it is dropped.
#[derive(Debug)]
pub(crate) struct Log {
    queue: Option<SyncSender<Append>>,
    threads: Vec<JoinHandle<()>>,
    path: PathBuf,
}

impl Log {
    pub(crate) fn open(folder: &Path) -> Result<Self, String> {
        let path = folder.join("bare-log");
        let file = Arc::new(written_file(&path, FILE_BYTES)?);
        let (queue, appends) = sync_channel(APPENDS_WAITING_MAX);
        let (appends, next) = (Arc::new(Mutex::new(appends)), Arc::new(AtomicU64::new(0)));
        let threads = (0..IN_FLIGHT).map(|_| {
            let (file, appends, next) = (Arc::clone(&file), Arc::clone(&appends), Arc::clone(&next));
            thread::spawn(move || commit(&file, &appends, &next))
        });
        Ok(Self { queue: Some(queue), threads: threads.collect(), path })
    }

    /// What is received is the outcome, once it is known.
    pub(crate) fn append(&self, frame: Vec<u8>) -> oneshot::Receiver<Result<(), String>> {
        let (done, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().expect("the queue stands until the log is dropped");
        // Without commit threads the append is dropped, and the receiver learns that.
        let _ = queue.send(Append { frame, done });
        outcome
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            thread.join().expect("a commit thread does not panic");
        }
        // A file that stays behind costs disk space and nothing else.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Takes all that waits, writes it, answers it, until nothing can come any more.
fn commit(file: &OwnedFd, appends: &Mutex<Receiver<Append>>, next: &AtomicU64) {
    let (mut buffer, mut waiting) = (AlignedBuffer::default(), Vec::new());
    loop {
        buffer.clear();
        let offset = {
            let appends = appends.lock().unwrap_or_else(PoisonError::into_inner);
            let Ok(first) = appends.recv() else { return };
            let mut bytes = first.frame.len();
            waiting.push(first);
            while bytes < COMMIT_BYTES
                && let Ok(append) = appends.try_recv()
            {
                bytes += append.frame.len();
                waiting.push(append);
            }
            let room = bytes.next_multiple_of(BLOCK_BYTES) as u64;
            place(next, room)
        };
        for append in &waiting {
            buffer.grow(append.frame.len()).copy_from_slice(&append.frame);
        }
        let padding = buffer.bytes().len().next_multiple_of(BLOCK_BYTES) - buffer.bytes().len();
        buffer.grow(padding).fill(0);
        let outcome = write_all(file, buffer.bytes(), offset);
        for append in waiting.drain(..) {
            // Whoever does not wait any more need not know.
            let _ = append.done.send(outcome.clone());
        }
    }
}

/// The offset for a commit of `room` bytes; called by one thread at a time.
fn place(next: &AtomicU64, room: u64) -> u64 {
    let offset = next.load(Ordering::Relaxed);
    let offset = if offset + room > FILE_BYTES { 0 } else { offset };
    next.store(offset + room, Ordering::Relaxed);
    offset
}

fn write_all(file: &OwnedFd, bytes: &[u8], offset: u64) -> Result<(), String> {
    match rustix::io::pwrite(file, bytes, offset) {
        Ok(written) if written == bytes.len() => Ok(()),
        Ok(written) => Err(format!("{written} of {} bytes were written", bytes.len())),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_are_in_the_file_when_they_are_answered() {
        let folder = std::env::temp_dir().join(format!("bench-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let log = Log::open(&folder).expect("a log opens");
        let written = frame([&b"one"[..], b"three"].into_iter());
        log.append(written.clone()).blocking_recv().expect("it is answered").expect("it is written");
        let found = std::fs::read(&log.path).expect("the file can be read");
        assert_eq!(found[..written.len()], written);
        assert_eq!(written[..4], 16u32.to_le_bytes());
        assert_eq!(found[BLOCK_BYTES..2 * BLOCK_BYTES], [0; BLOCK_BYTES]);
        log.append(written.clone()).blocking_recv().expect("it is answered").expect("it is written");
        let found = std::fs::read(&log.path).expect("the file can be read");
        assert_eq!(found[BLOCK_BYTES..BLOCK_BYTES + written.len()], written);
        drop(log);
        std::fs::remove_dir(&folder).expect("the log took its file away");
    }

    #[test]
    fn places_go_round_in_the_file() {
        let next = AtomicU64::new(FILE_BYTES - 8192);
        assert_eq!([place(&next, 8192), place(&next, 4096), place(&next, 4096)], [FILE_BYTES - 8192, 0, 4096]);
    }
}
