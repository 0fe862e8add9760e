//! Opening a data directory: lock, manifest, recovery, first journal, threads.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock, mpsc};
use std::thread::JoinHandle;

use base::time::Clock;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use store::root_key::RootKey;
use store::shard_log::{Durability, LogId};
use tokio::sync::Semaphore;

use super::completion::{Completion, CompletionSettings};
use super::counters::Counters;
use super::rebuild::rebuild;
use super::sequencer::{Place, Sequencer, SequencerParts, group_bytes_max};
use super::{LocalLog, Stop, Threads, commit};
use crate::error::OpenError;
use crate::journal::BLOCK_BYTES;
use crate::journal::file::{Journal, Run as JournalRun};
use crate::journal::files::{Files, OsFiles, sync_dir};
use crate::journal::prepare::{PrepareParts, PrepareSettings, Preparer};
use crate::journal::recover::{Known, Recovered, recover};
use crate::lock::DirectoryLock;
use crate::manifest::{Manifest, ManifestFile};
use crate::segments::{self, Message, Run, Segment, SegmentPlace, Worker, WorkerParts};
use crate::settings::LocalLogSettings;

const JOURNAL_DIR: &str = "journal";
const SEGMENTS_DIR: &str = "segments";
/// Writing the first journal file is a good part of what a start takes. A group of appends that does not fit into it
/// waits for the second.
const FIRST_JOURNAL_BYTES_MAX: u32 = 4 << 20;

/// The parts that a log is handed.
pub(crate) struct Parts {
    pub clock: Arc<dyn Clock>,
    pub root_key: Arc<dyn RootKey>,
    pub segments: Option<Arc<dyn ObjectStore>>,
    pub files: Arc<dyn Files>,
}

impl LocalLog {
    /// Opens the log of a data directory, or begins one. `segments`: where segments are kept; a directory beside the
    /// journal when there is none given. Blocks while it reads the journal back. When the disk is too full for a journal,
    /// the log can be read, and appends are refused until there is space ([`LocalLog::full`]).
    ///
    /// # Errors
    /// When another process holds the directory, when it cannot be read or written, and when acknowledged records
    /// are missing or damaged. Then no record has been touched.
    pub fn open(
        settings: &LocalLogSettings,
        clock: Arc<dyn Clock>,
        root_key: Arc<dyn RootKey>,
        segments: Option<Arc<dyn ObjectStore>>,
    ) -> Result<Arc<Self>, OpenError> {
        let files = Arc::new(OsFiles::new(settings.durability));
        Self::open_with(settings, Parts { clock, root_key, segments, files })
    }

    pub(crate) fn open_with(settings: &LocalLogSettings, parts: Parts) -> Result<Arc<Self>, OpenError> {
        let journal_dir = settings.dir.join(JOURNAL_DIR);
        make_dir(&settings.dir)?;
        let lock = DirectoryLock::acquire(&settings.dir)?;
        make_dir(&journal_dir)?;
        let place = segment_place(settings, parts.segments.as_ref())?;
        let manifest = load_manifest(settings, &journal_dir)?;
        let (stored, runs) = load_segments(&manifest, &place, &*parts.root_key)?;
        let known = Known {
            sealed_through: manifest.sealed_through,
            journals_through: manifest.journals_through,
            first_frame: manifest.first_frame,
            frames_end: manifest.frames_end,
        };
        let recovered = recover(&journal_dir, known, &*parts.files, &*parts.root_key)?;
        let logs = rebuild(&manifest, runs, &recovered.journals)?;
        let last_arrival = last_arrival(&recovered, &manifest);
        let first_frame = manifest.first_frame;
        let manifest = Arc::new(ManifestFile::new(&settings.dir, manifest));
        let started = Start { settings, parts, place, manifest, first_frame, last_arrival, stored, recovered, lock };
        started.start(&journal_dir, logs)
    }
}

fn make_dir(dir: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::DirBuilderExt;
    if dir.is_dir() {
        return Ok(());
    }
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(OpenError::io(dir))?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent).map_err(OpenError::io(parent)),
        _ => Ok(()),
    }
}

fn segment_place(settings: &LocalLogSettings, given: Option<&Arc<dyn ObjectStore>>) -> Result<SegmentPlace, OpenError> {
    if let Some(store) = given {
        return Ok(SegmentPlace { store: Arc::clone(store), local: None });
    }
    let dir = settings.dir.join(SEGMENTS_DIR);
    make_dir(&dir)?;
    remove_half_written(&dir)?;
    let store = LocalFileSystem::new_with_prefix(&dir).map_err(|error| OpenError::Segments(error.to_string()))?;
    Ok(SegmentPlace { store: Arc::new(store), local: Some(dir) })
}

/// Removes uploads that a crash has interrupted: the store keeps them under the name of the object, `#` and a number, and
/// does not list them.
fn remove_half_written(dir: &Path) -> Result<(), OpenError> {
    for entry in std::fs::read_dir(dir).map_err(OpenError::io(dir))? {
        let path = entry.map_err(OpenError::io(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.contains(".segment#") {
            std::fs::remove_file(&path).map_err(OpenError::io(&path))?;
        }
    }
    Ok(())
}

fn load_manifest(settings: &LocalLogSettings, journal_dir: &Path) -> Result<Manifest, OpenError> {
    if let Some(manifest) = Manifest::load(&settings.dir)? {
        return Ok(manifest);
    }
    let mut journals = std::fs::read_dir(journal_dir).map_err(OpenError::io(journal_dir))?;
    if journals.next().is_some() {
        return Err(OpenError::damaged(journal_dir, 0, "there are journals, but the manifest is missing"));
    }
    let manifest = Manifest { first_frame: 1, frames_end: 1, next_segment: 1, ..Manifest::default() };
    manifest.store(&settings.dir).map_err(OpenError::io(&settings.dir))?;
    Ok(manifest)
}

type Loaded = (Vec<Arc<Segment>>, Vec<(LogId, Run)>);

fn load_segments(manifest: &Manifest, place: &SegmentPlace, root_key: &dyn RootKey) -> Result<Loaded, OpenError> {
    if manifest.segments.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    // On a thread of its own, because the caller may be inside a runtime, which may not be blocked on.
    let load = || {
        let runtime = background_runtime()?;
        runtime.block_on(async {
            let (mut segments, mut runs) = (Vec::new(), Vec::new());
            for reference in &manifest.segments {
                let (segment, found) = segments::load(*reference, place, root_key).await?;
                segments.push(segment);
                runs.extend(found);
            }
            Ok((segments, runs))
        })
    };
    std::thread::scope(|scope| scope.spawn(load).join().expect("loading segments does not panic"))
}

fn background_runtime() -> Result<tokio::runtime::Runtime, OpenError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
    built.map_err(|error| OpenError::Segments(format!("no runtime: {error}")))
}

/// Everything that was found in the directory.
struct Start<'a> {
    settings: &'a LocalLogSettings,
    parts: Parts,
    place: SegmentPlace,
    manifest: Arc<ManifestFile>,
    /// First frame that is not in a segment.
    first_frame: u64,
    last_arrival: i64,
    stored: Vec<Arc<Segment>>,
    recovered: Recovered,
    lock: DirectoryLock,
}

impl Start<'_> {
    fn start(
        self,
        journal_dir: &Path,
        logs: std::collections::HashMap<LogId, Arc<super::entry::LogEntry>>,
    ) -> Result<Arc<LocalLog>, OpenError> {
        let settings = self.settings;
        let counters = Arc::new(Counters::default());
        let all_open = Arc::new(AtomicBool::new(false));
        let (messages, received) = mpsc::channel();
        let sequencer = Arc::new(self.sequencer(journal_dir, logs, &counters, &messages)?);
        let group_bytes_max = group_bytes_max(block_multiple(settings.journal_bytes_min));
        let lock = self.lock;
        let worker = WorkerParts {
            place: self.place,
            root_key: self.parts.root_key,
            logs: Arc::clone(&sequencer.logs),
            journals: Arc::clone(&sequencer.journals),
            preparer: Arc::clone(&sequencer.preparer),
            clock: self.parts.clock,
            counters: Arc::clone(&counters),
            interval: settings.maintenance_interval,
            all_open: Arc::clone(&all_open),
            manifest: self.manifest,
            progress: progress(&sequencer),
        };
        let log = LocalLog {
            sequencer,
            worker: Arc::new(Worker::new(worker, self.stored)),
            counters,
            permits: Arc::new(Semaphore::new(settings.append_bytes_max.max(group_bytes_max))),
            group_bytes_max,
            durability: settings.durability,
            all_open,
            stop: Arc::new(Stop::default()),
            messages,
            threads: Mutex::default(),
            _lock: lock,
        };
        spawn_all(&log, settings, received).map_err(OpenError::io(&settings.dir))?;
        Ok(Arc::new(log))
    }

    /// Begins a new journal; the recovered ones go to the worker.
    fn sequencer(
        &self,
        journal_dir: &Path,
        logs: std::collections::HashMap<LogId, Arc<super::entry::LogEntry>>,
        counters: &Arc<Counters>,
        messages: &mpsc::Sender<Message>,
    ) -> Result<Sequencer, OpenError> {
        let preparer = Arc::new(self.preparer(journal_dir));
        preparer.keep_spares(self.settings.spare_files_max).map_err(OpenError::io(journal_dir))?;
        let current = preparer.take_first().map_err(OpenError::io(journal_dir))?;
        let mut journals = BTreeMap::new();
        for (journal, frames_end) in sealed_journals(&self.recovered, self.first_frame) {
            journals.insert(journal.number, Arc::clone(&journal));
            messages.send(Message::Sealed(journal, frames_end)).expect("the receiver is at hand");
        }
        let sealed = messages.clone();
        let next_frame = self.recovered.next_frame;
        let completion = Completion::new(
            CompletionSettings {
                in_flight_max: self.settings.in_flight_max,
                tail_budget_bytes: self.settings.tail_budget_bytes,
                flushed: self.settings.durability == Durability::Sync,
            },
            next_frame,
            Arc::clone(counters),
            // At shutdown the worker may be gone: the next start finds the journal again.
            Box::new(move |journal, frames_end| drop(sealed.send(Message::Sealed(journal, frames_end)))),
        );
        let parts = SequencerParts {
            logs: Arc::new(RwLock::new(logs)),
            journals: Arc::new(RwLock::new(journals)),
            completion,
            preparer,
            clock: Arc::clone(&self.parts.clock),
            frame_bytes_max: self.settings.frame_bytes_max,
        };
        Ok(Sequencer::new(Place::new(current, next_frame, self.last_arrival), parts))
    }

    fn preparer(&self, journal_dir: &Path) -> Preparer {
        // Without a flush per commit a power cut may leave holes of any width.
        let in_flight_max =
            if self.settings.durability == Durability::Sync { self.settings.in_flight_max.max(1) } else { u32::MAX };
        let bytes_min = block_multiple(self.settings.journal_bytes_min);
        let settings = PrepareSettings {
            dir: journal_dir.to_owned(),
            run: JournalRun { number: self.recovered.next_run, first_frame: self.recovered.next_frame, in_flight_max },
            bytes_min,
            bytes_max: block_multiple(self.settings.journal_bytes_max.max(self.settings.journal_bytes_min)),
            files_max: self.settings.journal_files_max,
            spares_max: self.settings.spare_files_max,
        };
        let first = (self.recovered.next_journal, bytes_min.min(FIRST_JOURNAL_BYTES_MAX));
        let parts = PrepareParts {
            files: Arc::clone(&self.parts.files),
            root_key: Arc::clone(&self.parts.root_key),
            manifest: Arc::clone(&self.manifest),
            clock: Arc::clone(&self.parts.clock),
        };
        Preparer::new(settings, parts, first, self.recovered.journals.len())
    }
}

/// The latest arrival of any record.
fn last_arrival(recovered: &Recovered, manifest: &Manifest) -> i64 {
    let batches = recovered.journals.iter().flat_map(|journal| journal.batches());
    batches.map(|batch| batch.header.arrival).fold(manifest.last_arrival, i64::max)
}

/// The end of the frames that must still be there at the next start, and the latest arrival.
fn progress(sequencer: &Arc<Sequencer>) -> Box<dyn Fn() -> (u64, i64) + Send + Sync> {
    let sequencer = Arc::clone(sequencer);
    Box::new(move || (sequencer.completion.durable_end(), sequencer.last_arrival()))
}

/// The recovered journals, each with the number of the first frame that it does not hold.
fn sealed_journals(recovered: &Recovered, first_frame: u64) -> Vec<(Arc<Journal>, u64)> {
    let mut end = first_frame;
    let with_end = recovered.journals.iter().map(|journal| {
        let frames = journal.scan.frames.iter().take_while(|frame| frame.batches_end <= journal.accepted);
        end = frames.map(|frame| frame.number + 1).max().unwrap_or(0).max(end).min(recovered.next_frame);
        (Arc::clone(&journal.scan.journal), end)
    });
    with_end.collect()
}

/// Files are whole blocks, at least four.
fn block_multiple(bytes: u32) -> u32 {
    let block = u32::try_from(BLOCK_BYTES).expect("blocks are small");
    (bytes / block).max(4) * block
}

fn spawn_all(log: &LocalLog, settings: &LocalLogSettings, received: mpsc::Receiver<Message>) -> io::Result<()> {
    let mut threads = Threads::default();
    let runtime = background_runtime().map_err(io::Error::other)?;
    for i in 0..settings.commit_threads.max(1) {
        let (sequencer, counters) = (Arc::clone(&log.sequencer), Arc::clone(&log.counters));
        threads.commit.push(spawn(&format!("commit-{i}"), move || commit::run(&sequencer, &counters))?);
    }
    let preparer = Arc::clone(&log.sequencer.preparer);
    threads.background.push(spawn("journal-prepare", move || preparer.run())?);
    let worker = Arc::clone(&log.worker);
    threads.background.push(spawn("segments", move || worker.run(&received, &runtime))?);
    if let Durability::Interval(interval) = settings.durability {
        let (sequencer, stop) = (Arc::clone(&log.sequencer), Arc::clone(&log.stop));
        threads.background.push(spawn("journal-flush", move || commit::run_flusher(&sequencer, interval, &stop))?);
    }
    *crate::sync::lock(&log.threads) = threads;
    Ok(())
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}
