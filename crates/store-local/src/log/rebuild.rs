//! Makes the logs in memory again from manifest, segments and journals.

use std::collections::HashMap;
use std::sync::Arc;

use store::shard_log::LogId;

use super::entry::{IndexEntry, LogEntry, View};
use crate::error::OpenError;
use crate::journal::recover::RecoveredJournal;
use crate::manifest::Manifest;
use crate::segments::Run;
use crate::sync::lock;

/// All logs of which anything is known; none of them is open yet.
pub(crate) fn rebuild(
    manifest: &Manifest,
    runs: Vec<(LogId, Run)>,
    journals: &[RecoveredJournal],
) -> Result<HashMap<LogId, Arc<LogEntry>>, OpenError> {
    let mut views: HashMap<LogId, View> = HashMap::new();
    for (log, run) in runs {
        view(&mut views, log).runs.push(run);
    }
    for run in journals.chunk_by(|journal, next| journal.scan.header.run == next.scan.header.run) {
        for journal in run {
            add_journal(&mut views, journal, run[0].scan.journal.number)?;
        }
    }
    for (log, next) in &manifest.logs {
        let view = view(&mut views, LogId(*log));
        view.next = view.next.max(*next);
    }
    Ok(views.into_iter().map(|(id, view)| (id, entry(id, view))).collect())
}

fn view(views: &mut HashMap<LogId, View>, log: LogId) -> &mut View {
    views.entry(log).or_insert_with(|| View {
        runs: Vec::new(),
        index: std::collections::VecDeque::new(),
        tail: std::collections::VecDeque::new(),
        next: 0,
        watch: None,
    })
}

/// `run_begins`: first journal of the run. Within a run, positions follow each other. From one run to the next they may pass
/// over those that the manifest knew of and that power has taken: they are not given again. Which run has lost them cannot
/// be asked for, because nothing may be left of it. That no record is missing that must be there is known by then: frames
/// have numbers of their own.
fn add_journal(views: &mut HashMap<LogId, View>, journal: &RecoveredJournal, run_begins: u32) -> Result<(), OpenError> {
    for batch in journal.batches() {
        let view = view(views, LogId(batch.header.log));
        let first = batch.header.first;
        let follows = view
            .index
            .back()
            .is_none_or(|last| last.end() == first || (last.end() < first && last.journal < run_begins));
        if !follows {
            let reason = format!("positions of log {} do not follow each other", batch.header.log);
            return Err(OpenError::damaged(&journal.scan.journal.path, u64::from(batch.offset), reason));
        }
        view.index.push_back(IndexEntry {
            first: batch.header.first,
            arrival: batch.header.arrival,
            journal: journal.scan.journal.number,
            offset: batch.offset,
            bytes: u32::try_from(batch.header.total_bytes()).unwrap_or(u32::MAX),
            count: batch.header.count,
        });
    }
    Ok(())
}

fn entry(id: LogId, mut view: View) -> Arc<LogEntry> {
    view.runs.sort_by_key(|run| run.first);
    let stored = view.runs.last().map_or(0, |run| run.end).max(view.index.back().map_or(0, IndexEntry::end));
    view.next = view.next.max(stored);
    let entry = LogEntry::new(id, view.next);
    *lock(&entry.view) = view;
    Arc::new(entry)
}
