//! Opening a data directory: lock, manifest, recovery, first journal, threads.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock, mpsc};
use std::thread::JoinHandle;

use base::time::Clock;
use futures_util::FutureExt;
use object_store::ObjectStore;
use store::root_key::RootKey;
use store::shard_log::{Durability, LogId};
use tokio::sync::Semaphore;

use super::completion::{Completion, CompletionSettings};
use super::counters::Counters;
use super::driver::Driver;
use super::entry::LogEntry;
use super::rebuild::rebuild;
use super::sequencer::{Place, Sequencer, SequencerParts, group_bytes_max};
use super::{LocalLog, Stop, Threads, commit};
use crate::error::OpenError;
use crate::failure_latch::FailureLatch;
use crate::files::{Files, Held, OsFiles};
use crate::journal::BLOCK_BYTES;
use crate::journal::file::{Journal, Run as JournalRun};
use crate::journal::prepare::{PrepareParts, PrepareSettings, Preparer};
use crate::journal::recover::{Known, Recovered, recover};
use crate::manifest::{Manifest, ManifestFile};
use crate::schedule::{OsSchedule, Schedule};
use crate::segments::{self, Message, Run, Segment, SegmentDirectory, SegmentPlace, Worker, WorkerParts};
use crate::settings::LocalLogSettings;

const JOURNAL_DIR: &str = "journal";
const SEGMENTS_DIR: &str = "segments";
/// Writing the first journal file is a good part of what a start takes. A group of appends that does not fit into it
/// waits for the second.
const FIRST_JOURNAL_BYTES_MAX: u32 = 4 << 20;

/// The parts that a log is handed.
pub struct Parts {
    pub clock: Arc<dyn Clock>,
    pub root_key: Arc<dyn RootKey>,
    /// Where segments are kept; a directory beside the journal when there is none.
    pub segments: Option<Arc<dyn ObjectStore>>,
    pub files: Arc<dyn Files>,
    pub schedule: Arc<dyn Schedule>,
    /// What the log shares with the catalog of the same directory.
    pub failure: FailureLatch,
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
        Self::open_beside(settings, clock, root_key, segments, FailureLatch::default())
    }

    /// As [`LocalLog::open`], beside a catalog in the same directory, whose latch `failure` is.
    ///
    /// # Errors
    /// As [`LocalLog::open`].
    pub fn open_beside(
        settings: &LocalLogSettings,
        clock: Arc<dyn Clock>,
        root_key: Arc<dyn RootKey>,
        segments: Option<Arc<dyn ObjectStore>>,
        failure: FailureLatch,
    ) -> Result<Arc<Self>, OpenError> {
        let files = Arc::new(OsFiles::new(settings.durability, failure.clone()));
        Self::open_with(settings, Parts { clock, root_key, segments, files, schedule: Arc::new(OsSchedule), failure })
    }

    pub(crate) fn open_with(settings: &LocalLogSettings, parts: Parts) -> Result<Arc<Self>, OpenError> {
        let (log, received) = Self::load(settings, parts)?;
        spawn_all(&log, settings, received).map_err(OpenError::io(&settings.dir))?;
        Ok(Arc::new(log))
    }

    /// As [`LocalLog::open`], without any thread: nothing happens in the log but by the steps of the driver.
    ///
    /// # Errors
    /// As [`LocalLog::open`].
    pub fn open_stepped(settings: &LocalLogSettings, parts: Parts) -> Result<(Arc<Self>, Driver), OpenError> {
        let (log, received) = Self::load(settings, parts)?;
        let log = Arc::new(log);
        Ok((Arc::clone(&log), Driver::new(log, received)))
    }

    fn load(settings: &LocalLogSettings, parts: Parts) -> Result<(Self, mpsc::Receiver<Message>), OpenError> {
        let (dir, journal_dir) = (&settings.dir, settings.dir.join(JOURNAL_DIR));
        let files = Arc::clone(&parts.files);
        files.make_dir(dir).map_err(OpenError::io(dir))?;
        let lock = files.lock(dir)?;
        files.make_dir(&journal_dir).map_err(OpenError::io(&journal_dir))?;
        let place = Arc::new(segment_place(settings, &parts)?);
        let manifest = load_manifest(dir, &journal_dir, &files)?;
        let (stored, runs) = load_segments(&manifest, &place, &*parts.root_key)?;
        let known = Known {
            sealed_through: manifest.sealed_through,
            journals_through: manifest.journals_through,
            first_frame: manifest.first_frame,
            frames_end: manifest.frames_end,
        };
        let recovered = recover(&journal_dir, known, &*files, &*parts.root_key, parts.schedule.opening_threads())?;
        let logs = rebuild(&manifest, runs, &recovered.journals)?;
        let last_arrival = last_arrival(&recovered, &manifest);
        let first_frame = manifest.first_frame;
        let manifest = Arc::new(ManifestFile::new(files, dir, manifest));
        let start = Start { settings, parts, place, manifest, first_frame, last_arrival, stored, recovered, lock };
        start.assemble(&journal_dir, logs)
    }
}

fn segment_place(settings: &LocalLogSettings, parts: &Parts) -> Result<SegmentPlace, OpenError> {
    if let Some(store) = &parts.segments {
        return Ok(SegmentPlace::Store(Arc::clone(store)));
    }
    let dir = settings.dir.join(SEGMENTS_DIR);
    let (files, schedule) = (Arc::clone(&parts.files), Arc::clone(&parts.schedule));
    let directory = SegmentDirectory { dir, files, schedule };
    directory.open().map_err(OpenError::io(&directory.dir))?;
    Ok(SegmentPlace::Directory(directory))
}

fn load_manifest(dir: &Path, journal_dir: &Path, files: &Arc<dyn Files>) -> Result<Manifest, OpenError> {
    if let Some(manifest) = Manifest::load(&**files, dir)? {
        // The last process may have been killed before the name was on the device. What follows relies on it.
        files.sync_dir(dir).map_err(OpenError::io(dir))?;
        return Ok(manifest);
    }
    let journals = files.list(journal_dir).map_err(OpenError::io(journal_dir))?;
    if !journals.is_empty() {
        return Err(OpenError::damaged(journal_dir, 0, "there are journals, but the manifest is missing"));
    }
    let manifest = Manifest { first_frame: 1, frames_end: 1, next_segment: 1, ..Manifest::default() };
    manifest.store(files, dir).map_err(OpenError::io(dir))?;
    Ok(manifest)
}

type Loaded = (Vec<Arc<Segment>>, Vec<(LogId, Run)>);

fn load_segments(manifest: &Manifest, place: &Arc<SegmentPlace>, root_key: &dyn RootKey) -> Result<Loaded, OpenError> {
    let load = async {
        let (mut segments, mut runs) = (Vec::new(), Vec::new());
        for reference in &manifest.segments {
            let (segment, found) = segments::load(*reference, place, root_key).await?;
            segments.push(segment);
            runs.extend(found);
        }
        Ok((segments, runs))
    };
    match &**place {
        SegmentPlace::Directory(_) => load.now_or_never().expect("a directory is read on the calling thread"),
        SegmentPlace::Store(_) if manifest.segments.is_empty() => Ok((Vec::new(), Vec::new())),
        SegmentPlace::Store(_) => {
            // On a thread of its own, because the caller may be inside a runtime, which may not be blocked on.
            let load = || background_runtime()?.block_on(load);
            std::thread::scope(|scope| scope.spawn(load).join().expect("loading segments does not panic"))
        }
    }
}

fn background_runtime() -> Result<tokio::runtime::Runtime, OpenError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
    built.map_err(|error| OpenError::Segments(format!("no runtime: {error}")))
}

/// Everything that was found in the directory.
struct Start<'a> {
    settings: &'a LocalLogSettings,
    parts: Parts,
    place: Arc<SegmentPlace>,
    manifest: Arc<ManifestFile>,
    /// First frame that is not in a segment.
    first_frame: u64,
    last_arrival: i64,
    stored: Vec<Arc<Segment>>,
    recovered: Recovered,
    lock: Box<dyn Held>,
}

impl Start<'_> {
    fn assemble(
        self,
        journal_dir: &Path,
        logs: HashMap<LogId, Arc<LogEntry>>,
    ) -> Result<(LocalLog, mpsc::Receiver<Message>), OpenError> {
        let settings = self.settings;
        let counters = Arc::new(Counters::default());
        let all_open = Arc::new(AtomicBool::new(false));
        let (messages, received) = mpsc::channel();
        let sequencer = Arc::new(self.sequencer(journal_dir, logs, &counters, &messages)?);
        let group_bytes_max = group_bytes_max(block_multiple(settings.journal_bytes_min));
        let lock = self.lock;
        let worker = WorkerParts {
            place: self.place,
            schedule: Arc::clone(&self.parts.schedule),
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
            schedule: self.parts.schedule,
            _lock: lock,
        };
        Ok((log, received))
    }

    /// Begins a new journal; the recovered ones go to the worker.
    fn sequencer(
        &self,
        journal_dir: &Path,
        logs: HashMap<LogId, Arc<LogEntry>>,
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
            self.parts.failure.clone(),
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
            slow_write: self.settings.slow_write,
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
