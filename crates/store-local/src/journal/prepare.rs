//! Makes the next journal file before it is needed, on a thread of its own: growing a file costs milliseconds that no
//! acknowledgement should wait for.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use store::root_key::RootKey;

use super::file::{Journal, Run, file_name};
use super::files::{Files, sync_dir};
use crate::sync::lock;

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

pub(crate) struct Preparer {
    settings: PrepareSettings,
    files: Arc<dyn Files>,
    root_key: Arc<dyn RootKey>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: Option<Arc<Journal>>,
    /// Why the last attempt failed, while none has succeeded since.
    failure: Option<String>,
    next_number: u32,
    next_bytes: u32,
    spares: Vec<Spare>,
    /// Journals that wait to be rewritten into segments.
    backlog: usize,
    stopping: bool,
}

/// A pre-written file whose content is of no use any more.
struct Spare {
    path: PathBuf,
    bytes: u32,
}

/// Answer to the wish for a journal.
pub(crate) enum Taken {
    Ready(Arc<Journal>),
    /// There is no room for one.
    Full(String),
}

impl Preparer {
    /// `backlog`: journals that wait to be rewritten already.
    pub(crate) fn new(
        settings: PrepareSettings,
        files: Arc<dyn Files>,
        root_key: Arc<dyn RootKey>,
        first: (u32, u32),
        backlog: usize,
    ) -> Self {
        let state = State { next_number: first.0, next_bytes: first.1, backlog, ..State::default() };
        Self { settings, files, root_key, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits for the next journal. From then on the one before counts as waiting to be rewritten.
    pub(crate) fn take(&self) -> Taken {
        let mut state = lock(&self.state);
        loop {
            if let Some(journal) = state.ready.take() {
                state.backlog += 1;
                self.changed.notify_all();
                return Taken::Ready(journal);
            }
            if let Some(failure) = &state.failure {
                return Taken::Full(failure.clone());
            }
            if state.stopping {
                return Taken::Full("the log is being shut down".to_owned());
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Makes the first journal, on the calling thread.
    pub(crate) fn take_first(&self) -> io::Result<Arc<Journal>> {
        self.make()
    }

    /// A journal has been rewritten; its file is used again when nobody reads it any more.
    pub(crate) fn retire(&self, journal: Arc<Journal>) {
        let wanted = {
            let mut state = lock(&self.state);
            state.backlog = state.backlog.saturating_sub(1);
            journal.bytes >= state.next_bytes && state.spares.len() < self.settings.spares_max
        };
        let path = self.settings.dir.join(format!("{}.spare", file_name(journal.number)));
        let renamed = match Arc::try_unwrap(journal) {
            Ok(journal) if wanted => std::fs::rename(&journal.path, &path).map(|()| Some(journal.bytes)),
            Ok(journal) => std::fs::remove_file(&journal.path).map(|()| None),
            // A reader still has it open: its bytes must stay as they are until it is done.
            Err(journal) => std::fs::remove_file(&journal.path).map(|()| None),
        };
        match renamed {
            Ok(Some(bytes)) => lock(&self.state).spares.push(Spare { path, bytes }),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a rewritten journal file cannot be removed"),
        }
        self.changed.notify_all();
    }

    /// Gives the space of spare files back.
    pub(crate) fn drop_spares(&self) {
        for spare in lock(&self.state).spares.drain(..) {
            if let Err(error) = std::fs::remove_file(&spare.path) {
                tracing::warn!(path = %spare.path.display(), %error, "a spare journal file cannot be removed");
            }
        }
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
            let full = (state.backlog >= self.settings.files_max)
                .then(|| format!("{} journal files wait to be rewritten into segments", state.backlog));
            drop(state);
            let made = match full {
                Some(reason) => Err(io::Error::new(io::ErrorKind::StorageFull, reason)),
                None => self.make(),
            };
            self.report(made);
        }
    }

    fn report(&self, made: io::Result<Arc<Journal>>) {
        let mut state = lock(&self.state);
        match made {
            Ok(journal) => {
                if state.failure.take().is_some() {
                    tracing::info!("there is room for journal files again");
                }
                state.ready = Some(journal);
                self.changed.notify_all();
            }
            Err(error) => {
                if state.failure.is_none() {
                    tracing::error!(%error, "no journal file can be made; appends that need one are refused");
                }
                state.failure = Some(error.to_string());
                self.changed.notify_all();
                let waited = self.changed.wait_timeout(state, RETRY_PAUSE);
                drop(waited.unwrap_or_else(std::sync::PoisonError::into_inner));
            }
        }
    }

    fn make(&self) -> io::Result<Arc<Journal>> {
        let (number, bytes, spare) = {
            let mut state = lock(&self.state);
            let spare = state.spares.pop();
            (state.next_number, state.next_bytes, spare)
        };
        let dir = &self.settings.dir;
        let (temporary, bytes) = match spare {
            Some(spare) => (spare.path, spare.bytes),
            None => {
                let path = dir.join(format!("{}.spare", file_name(number)));
                self.files.prepare(&path, u64::from(bytes)).inspect_err(|_| remove_half_made(&path))?;
                (path, bytes)
            }
        };
        let path = dir.join(file_name(number));
        let begin = || -> io::Result<Journal> {
            let file = self.files.open(&temporary)?;
            let journal = Journal::begin(file, path.clone(), number, bytes, self.settings.run, &*self.root_key)?;
            std::fs::rename(&temporary, &path)?;
            sync_dir(dir)?;
            Ok(journal)
        };
        let journal = begin().inspect_err(|_| remove_half_made(&temporary))?;
        let mut state = lock(&self.state);
        state.next_number += 1;
        let (bytes_min, bytes_max) = (self.settings.bytes_min, self.settings.bytes_max);
        state.next_bytes = state.next_bytes.saturating_mul(2).clamp(bytes_min, bytes_max);
        Ok(Arc::new(journal))
    }
}

/// Removes what a failed attempt has left, so that it does not hold the space that is missing.
fn remove_half_made(path: &std::path::Path) {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(path = %path.display(), %error, "a half made journal file cannot be removed"),
    }
}
