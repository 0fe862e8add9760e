//! Commits: each takes all that waits, builds one frame, writes it and completes it. The threads that do so have no hop
//! between building and writing.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completion::refuse;
use super::counters::Counters;
use super::sequencer::{Sequenced, Sequencer};
use crate::journal::aligned::AlignedBuffer;
use crate::journal::file::Journal;
use crate::sync::lock;

/// Commits until the queue is stopped and empty.
pub(crate) fn run(sequencer: &Sequencer, counters: &Counters) {
    let _guard = FailOnPanic { sequencer };
    lock(&counters.commit_threads).push(rustix::thread::gettid().as_raw_nonzero().get());
    let mut buffer = AlignedBuffer::default();
    let mut finished = None;
    while sequencer.queue.wait(finished) {
        let mut took = Duration::ZERO;
        if let Some(sequenced) = sequencer.next_commit(&mut buffer, true) {
            sequencer.queue.pass_on();
            let began = Instant::now();
            let written = write(counters, &sequenced, &buffer);
            took = began.elapsed();
            finish(sequencer, counters, sequenced, &buffer, written);
        }
        finished = Some(took);
    }
}

/// Writes the frame of a commit, if it has one.
pub(crate) fn write(counters: &Counters, sequenced: &Sequenced, buffer: &AlignedBuffer) -> io::Result<()> {
    let Some((journal, offset)) = &sequenced.target else { return Ok(()) };
    Counters::add(&counters.in_flight, 1);
    let written = journal.file.write(buffer.bytes(), u64::from(*offset));
    Counters::subtract(&counters.in_flight, 1);
    written
}

/// Completes a commit that was written, or fails the log.
pub(crate) fn finish(
    sequencer: &Sequencer,
    counters: &Counters,
    sequenced: Sequenced,
    buffer: &AlignedBuffer,
    written: io::Result<()>,
) {
    let Sequenced { commit, target } = sequenced;
    match (written, target) {
        (Ok(()), target) => {
            if target.is_some() {
                Counters::add(&counters.commits, 1);
                Counters::add(&counters.frame_bytes, buffer.len() as u64);
            }
            sequencer.completion.finish(commit);
        }
        (Err(error), target) => {
            let place = target.map(|(journal, offset)| format!("{} at offset {offset}", journal.path.display()));
            sequencer.completion.fail(format!("write to {}: {error}", place.unwrap_or_default()));
            if let Some(error) = sequencer.completion.failure() {
                refuse(commit, &error);
            }
        }
    }
}

/// A commit thread that dies must not leave appends waiting for ever.
struct FailOnPanic<'a> {
    sequencer: &'a Sequencer,
}

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.sequencer.completion.fail("a commit thread has panicked".to_owned());
        }
    }
}

/// Flushes the journal at an interval, for durability `interval`.
pub(crate) fn run_flusher(sequencer: &Sequencer, interval: Duration, stop: &super::Stop) {
    let mut last = None;
    while !stop.wait(interval) {
        flush(sequencer, &mut last);
    }
}

/// Flushes the journal that is written to, and that of the flush before if it is another.
pub(crate) fn flush(sequencer: &Sequencer, last: &mut Option<Arc<Journal>>) {
    let Some(journal) = sequencer.current() else { return };
    let before = last.replace(Arc::clone(&journal)).filter(|before| before.number != journal.number);
    for journal in before.iter().chain([&journal]) {
        if let Err(error) = journal.file.flush() {
            sequencer.completion.fail(format!("flush of {}: {error}", journal.path.display()));
        }
    }
}
