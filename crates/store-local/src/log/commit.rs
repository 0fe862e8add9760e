//! The threads that commit: each takes all that waits, builds one frame, writes it and completes it. There is no hop
//! between building and writing.

use std::sync::Arc;

use super::completion::refuse;
use super::counters::Counters;
use super::sequencer::{Sequenced, Sequencer};
use crate::journal::aligned::AlignedBuffer;
use crate::sync::lock;

/// Commits until the queue is stopped and empty.
pub(crate) fn run(sequencer: &Sequencer, counters: &Counters) {
    let _guard = FailOnPanic { sequencer };
    lock(&counters.commit_threads).push(rustix::thread::gettid().as_raw_nonzero().get());
    let mut buffer = AlignedBuffer::default();
    while sequencer.queue.wait() {
        if let Some(sequenced) = sequencer.next_commit(&mut buffer) {
            sequencer.queue.pass_on();
            complete(sequencer, counters, sequenced, &buffer);
        }
    }
}

fn complete(sequencer: &Sequencer, counters: &Counters, sequenced: Sequenced, buffer: &AlignedBuffer) {
    let Sequenced { commit, target } = sequenced;
    let Some((journal, offset)) = target else { return sequencer.completion.finish(commit) };
    Counters::add(&counters.in_flight, 1);
    let written = journal.file.write(buffer.bytes(), u64::from(offset));
    Counters::subtract(&counters.in_flight, 1);
    match written {
        Ok(()) => {
            Counters::add(&counters.commits, 1);
            Counters::add(&counters.frame_bytes, buffer.len() as u64);
            sequencer.completion.finish(commit);
        }
        Err(error) => {
            let path = journal.path.display();
            sequencer.completion.fail(format!("write to {path} at offset {offset}: {error}"));
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
pub(crate) fn run_flusher(sequencer: &Sequencer, interval: std::time::Duration, stop: &super::Stop) {
    let mut last: Option<Arc<crate::journal::file::Journal>> = None;
    while !stop.wait(interval) {
        let Some(journal) = sequencer.current() else { continue };
        let before = last.replace(Arc::clone(&journal)).filter(|before| before.number != journal.number);
        for journal in before.iter().chain([&journal]) {
            if let Err(error) = journal.file.flush() {
                sequencer.completion.fail(format!("flush of {}: {error}", journal.path.display()));
            }
        }
    }
}
