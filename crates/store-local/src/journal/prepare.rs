//! Makes the next journal file before it is needed, on a thread of its own: growing a file costs milliseconds that no
//! acknowledgement should wait for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base::time::{Clock, Timestamp};
use store::root_key::RootKey;

use super::file::{Journal, Run, file_name};
use super::spares::{self, Spare, spare_path};
use crate::files::Files;
use crate::manifest::ManifestFile;
use crate::sync::lock;

/// Of files that are being written with zeros; they are removed at start.
pub(crate) const HALF_MADE_SUFFIX: &str = ".new";

/// Pause after a failed attempt, most often for lack of space.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Settings of the preparer.
#[derive(Debug, Clone)]
pub(crate) struct PrepareSettings {
    pub dir: PathBuf,
    pub run: Run,
    /// Sizes of all files but the first.
    pub bytes_min: u32,
    pub bytes_max: u32,
    pub files_max: usize,
    pub spares_max: usize,
}

/// What a preparer works with.
pub(crate) struct PrepareParts {
    pub files: Arc<dyn Files>,
    pub root_key: Arc<dyn RootKey>,
    pub manifest: Arc<ManifestFile>,
    pub clock: Arc<dyn Clock>,
}

/// No journal file can be made: appends are refused as soon as the current one has no room for them. Passes by itself when
/// there is space again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Full {
    pub since: Timestamp,
    pub reason: String,
}

pub(crate) struct Preparer {
    settings: PrepareSettings,
    parts: PrepareParts,
    state: Mutex<State>,
    changed: Condvar,
    /// Held while spare files are chosen, renamed or removed.
    spares: Mutex<()>,
}

#[derive(Default)]
struct State {
    ready: Option<Arc<Journal>>,
    /// The last attempt failed, and none has succeeded since.
    full: Option<Full>,
    next_number: u32,
    next_bytes: u32,
    /// Journals that wait to be rewritten into segments.
    backlog: usize,
    stopping: bool,
}

/// Answer to the wish for a journal.
pub(crate) enum Taken {
    Ready(Arc<Journal>),
    /// There is no room for one.
    Full(String),
}

impl Preparer {
    /// `first`: number and size of the first journal. `backlog`: journals that wait to be rewritten already.
    pub(crate) fn new(settings: PrepareSettings, parts: PrepareParts, first: (u32, u32), backlog: usize) -> Self {
        let state = State { next_number: first.0, next_bytes: first.1, backlog, ..State::default() };
        Self { settings, parts, state: Mutex::new(state), changed: Condvar::new(), spares: Mutex::default() }
    }

    /// The next journal, or why there is none; waits until one or the other is known if `waits`, else answers `None`. From
    /// then on the journal before counts as waiting to be rewritten.
    pub(crate) fn take(&self, waits: bool) -> Option<Taken> {
        let mut state = lock(&self.state);
        loop {
            if let Some(journal) = state.ready.take() {
                state.backlog += 1;
                self.changed.notify_all();
                return Some(Taken::Ready(journal));
            }
            if let Some(full) = &state.full {
                return Some(Taken::Full(full.reason.clone()));
            }
            if state.stopping {
                return Some(Taken::Full("the log is being shut down".to_owned()));
            }
            if !waits {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Makes the first journal, on the calling thread. `None` when the disk is full: then it comes later, like any other.
    pub(crate) fn take_first(&self) -> io::Result<Option<Arc<Journal>>> {
        match self.make() {
            Ok(journal) => Ok(Some(journal)),
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                self.note_failure(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Set while no journal file can be made.
    pub(crate) fn full(&self) -> Option<Full> {
        lock(&self.state).full.clone()
    }

    /// A journal has been rewritten; its file is used again when nobody reads it any more.
    pub(crate) fn retire(&self, journal: Arc<Journal>) {
        let next_bytes = {
            let mut state = lock(&self.state);
            state.backlog = state.backlog.saturating_sub(1);
            state.next_bytes
        };
        let files = &*self.parts.files;
        let given_back = match Arc::try_unwrap(journal) {
            Ok(journal) if journal.bytes >= next_bytes => files
                .rename(&journal.path, &spare_path(&self.settings.dir, journal.number))
                .and_then(|()| self.keep_spares(self.settings.spares_max)),
            Ok(journal) => files.remove(&journal.path),
            // A reader still has it open: its bytes must stay as they are until it is done.
            Err(journal) => files.remove(&journal.path),
        };
        if let Err(error) = given_back {
            tracing::warn!(%error, "a rewritten journal file cannot be removed");
        }
        self.changed.notify_all();
    }

    /// Removes spare files beyond a number, and those that are of no use. Those that the manifest promises stay, and that
    /// of the next journal.
    pub(crate) fn keep_spares(&self, most: usize) -> io::Result<()> {
        let _guard = lock(&self.spares);
        let (next_number, bytes_least) = self.next();
        let journals_through = self.parts.manifest.get(|manifest| manifest.journals_through);
        let promised = next_number..=journals_through.max(next_number);
        let mut kept = 0;
        for spare in spares::list(&*self.parts.files, &self.settings.dir)? {
            if promised.contains(&spare.number) {
                continue;
            }
            if spare.is_usable(bytes_least) && kept < most {
                kept += 1;
            } else {
                self.parts.files.remove(&spare_path(&self.settings.dir, spare.number))?;
            }
        }
        Ok(())
    }

    pub(crate) fn stop(&self) {
        lock(&self.state).stopping = true;
        self.changed.notify_all();
    }

    /// Prepares one journal after the other until told to stop.
    pub(crate) fn run(&self) {
        loop {
            let mut state = lock(&self.state);
            while state.ready.is_some() && !state.stopping {
                state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
            if state.stopping {
                return;
            }
            drop(state);
            if !self.step() {
                let waited = self.changed.wait_timeout(lock(&self.state), RETRY_PAUSE);
                drop(waited.unwrap_or_else(std::sync::PoisonError::into_inner));
            }
        }
    }

    /// Whether a journal should be prepared.
    pub(crate) fn is_wanted(&self) -> bool {
        let state = lock(&self.state);
        state.ready.is_none() && !state.stopping
    }

    /// Prepares one journal; `false` when that has failed and should be tried again after a pause.
    pub(crate) fn step(&self) -> bool {
        let backlog = lock(&self.state).backlog;
        let made = if backlog >= self.settings.files_max {
            let reason = format!("{backlog} journal files wait to be rewritten into segments");
            Err(io::Error::new(io::ErrorKind::StorageFull, reason))
        } else {
            self.make()
        };
        match made {
            Ok(journal) => {
                let mut state = lock(&self.state);
                if state.full.take().is_some() {
                    tracing::info!("there is room for journal files again");
                }
                state.ready = Some(journal);
                self.changed.notify_all();
                true
            }
            Err(error) => {
                self.note_failure(&error);
                false
            }
        }
    }

    fn note_failure(&self, error: &io::Error) {
        let mut state = lock(&self.state);
        if state.full.is_none() {
            tracing::error!(%error, "no journal file can be made; appends that need one are refused");
        }
        let since = state.full.take().map_or_else(|| self.parts.clock.now(), |full| full.since);
        state.full = Some(Full { since, reason: error.to_string() });
        self.changed.notify_all();
    }

    /// Number of the next journal, and the least size that is of use to it and to those after it.
    fn next(&self) -> (u32, u32) {
        let state = lock(&self.state);
        (state.next_number, state.next_bytes.min(self.settings.bytes_min))
    }

    fn make(&self) -> io::Result<Arc<Journal>> {
        let journal = match self.begin_in_spare()? {
            Some(journal) => journal,
            None => {
                self.make_spare()?;
                self.begin_in_spare()?.ok_or(io::ErrorKind::NotFound)?
            }
        };
        let mut state = lock(&self.state);
        state.next_number += 1;
        let (bytes_min, bytes_max) = (self.settings.bytes_min, self.settings.bytes_max);
        state.next_bytes = state.next_bytes.saturating_mul(2).clamp(bytes_min, bytes_max);
        Ok(Arc::new(journal))
    }

    /// Writes a spare file for the next journal.
    fn make_spare(&self) -> io::Result<()> {
        let (number, bytes) = {
            let state = lock(&self.state);
            (state.next_number, state.next_bytes)
        };
        let half_made = self.settings.dir.join(format!("{}{HALF_MADE_SUFFIX}", file_name(number)));
        // What a failed attempt has left would hold the space that is missing.
        self.parts.files.prepare(&half_made, u64::from(bytes)).inspect_err(|_| self.remove_if_there(&half_made))?;
        let _guard = lock(&self.spares);
        self.parts.files.rename(&half_made, &spare_path(&self.settings.dir, number))
    }

    /// Begins the next journal in the spare file of its number, or in one that is not promised; `None` when there is none.
    fn begin_in_spare(&self) -> io::Result<Option<Journal>> {
        let _guard = lock(&self.spares);
        let (number, bytes_least) = self.next();
        let journals_through = self.parts.manifest.get(|manifest| manifest.journals_through);
        let spares = spares::list(&*self.parts.files, &self.settings.dir)?;
        let mut usable = spares.iter().filter(|spare| spare.is_usable(bytes_least));
        let is_free = |spare: &&Spare| spare.number < number || spare.number > journals_through;
        let own = usable.clone().find(|spare| spare.number == number);
        own.or_else(|| usable.find(is_free)).map(|spare| self.begin(*spare, number)).transpose()
    }

    /// Makes a journal of a spare file. The manifest promises it before anybody can write to it.
    fn begin(&self, spare: Spare, number: u32) -> io::Result<Journal> {
        let (dir, files) = (&self.settings.dir, &*self.parts.files);
        let (path, blank) = (dir.join(file_name(number)), spare_path(dir, spare.number));
        let file = files.open(&blank)?;
        let run = self.settings.run;
        let journal = Journal::begin(file, path.clone(), number, spare.bytes, run, &*self.parts.root_key)?;
        files.rename(&blank, &path)?;
        if let Err(error) = files.sync_dir(dir).and_then(|()| self.parts.manifest.promise_journal(number)) {
            // Its space serves the next attempt.
            files.rename(&path, &spare_path(dir, number))?;
            return Err(error);
        }
        if spare.number != number {
            self.remove_if_there(&spare_path(dir, number));
        }
        Ok(journal)
    }

    fn remove_if_there(&self, path: &Path) {
        match self.parts.files.remove(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %path.display(), %error, "a file of no use cannot be removed"),
        }
    }
}
