//! The thread of one flow: looks at the folder, reads, and hands batches on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::time::{Clock, Timestamp};
use tokio::sync::mpsc;

use super::assembler::Assembler;
use super::tracker::Tracker;
use crate::config::Flow;
use crate::notices::Notices;
use crate::positions::{FileKey, Positions};
use crate::record::Batch;
use crate::stats::Stats;

/// The wait while nobody takes batches.
const BLOCKED_WAIT: Duration = Duration::from_millis(5);
/// So often a thread that waits looks whether it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

pub struct Tailer {
    flow: Arc<Flow>,
    clock: Arc<dyn Clock>,
    notices: Notices,
    tracker: Tracker,
    assembler: Assembler,
    /// Files that have news, and up to where they are read before the next one has its turn.
    turns: VecDeque<(FileKey, u64)>,
    scanned: Option<Timestamp>,
}

impl Tailer {
    pub fn new(
        flow: Arc<Flow>,
        positions: Arc<Positions>,
        stats: Arc<Stats>,
        notices: Notices,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            tracker: Tracker::new(Arc::clone(&flow), positions, notices.clone()),
            assembler: Assembler::new(Arc::clone(&flow), stats),
            flow,
            clock,
            notices,
            turns: VecDeque::new(),
            scanned: None,
        }
    }

    /// Until asked to stop; then hands on what is read, and leaves the rest to the next start.
    pub fn run(mut self, queue: &mpsc::Sender<Batch>, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let mut is_blocked = false;
            self.poll(&mut |batch| {
                queue.try_send(batch).map_err(|refused| {
                    is_blocked = true;
                    refused.into_inner()
                })
            });
            if queue.is_closed() {
                return;
            }
            let mut wait = if is_blocked { BLOCKED_WAIT } else { self.flow.poll_interval };
            while !wait.is_zero() && !stop.load(Ordering::Relaxed) {
                std::thread::sleep(wait.min(STOP_CHECK));
                wait = wait.saturating_sub(STOP_CHECK);
            }
        }
        self.assembler.close();
        while let Some(batch) = self.assembler.next_ready() {
            // Nobody takes it: the next start reads it again.
            if queue.blocking_send(batch).is_err() {
                return;
            }
        }
    }

    /// Looks at the folder if it is time to, and reads what there is as long as batches are accepted. A batch that is
    /// not comes back.
    pub fn poll(&mut self, accept: &mut dyn FnMut(Batch) -> Result<(), Batch>) {
        let now = self.clock.now();
        // Also while nobody takes batches: files are opened before rotation removes them.
        if self.scanned.is_none_or(|scanned| now.since(scanned) >= self.flow.poll_interval || now < scanned) {
            self.tracker.scan(&mut self.assembler, now);
            self.scanned = Some(now);
        }
        if self.turns.is_empty() {
            let news = self.tracker.files.iter().filter(|file| file.has_unread() && !file.is_changed);
            self.turns = news.map(|file| (file.key, file.size)).collect();
        }
        if !self.offer(accept) {
            return;
        }
        while let Some((key, until)) = self.turns.front().copied() {
            if !self.read(key, until, now, accept) {
                return;
            }
            self.turns.pop_front();
        }
        let newest = self.tracker.files.iter().map(|file| file.modified).max();
        for file in &mut self.tracker.files {
            let has_successor = newest.is_some_and(|newest| newest > file.modified);
            file.end_quiet(&self.flow, has_successor, &mut self.assembler, now);
        }
        self.assembler.close_aged(now);
        self.offer(accept);
    }

    /// Reads a file up to that place; `false` if batches are not accepted.
    fn read(
        &mut self,
        key: FileKey,
        until: u64,
        now: Timestamp,
        accept: &mut dyn FnMut(Batch) -> Result<(), Batch>,
    ) -> bool {
        loop {
            let Some(file) = self.tracker.file(key) else { return true };
            if file.parse(&self.flow, &mut self.assembler, now) {
                if !self.offer(accept) {
                    return false;
                }
                continue;
            }
            match file.fill(until) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => {
                    let path = file.path.display().to_string();
                    // It may be another file by now: looked at again first.
                    file.is_changed = true;
                    file.file = None;
                    self.notices.trouble(&path, &format!("cannot be read: {error}; trying again"));
                    return true;
                }
            }
        }
    }

    /// Hands batches on that are ready; `false` if one was not accepted.
    fn offer(&mut self, accept: &mut dyn FnMut(Batch) -> Result<(), Batch>) -> bool {
        while let Some(batch) = self.assembler.next_ready() {
            if let Err(batch) = accept(batch) {
                self.assembler.give_back(batch);
                return false;
            }
        }
        true
    }
}
