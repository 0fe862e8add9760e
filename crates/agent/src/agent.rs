//! The agent as a whole: starts flows, keeps the checkpoint file, stops.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::time::Clock;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::checkpoint::{CheckpointError, CheckpointFile};
use crate::config::Config;
use crate::destination::Services;
use crate::notices::Notices;
use crate::positions::Positions;
use crate::sender::{QUEUE_BATCHES_MAX, Sender};
use crate::stats::Stats;
use crate::tail::Tailer;

/// Between two writes of the checkpoint file.
const SAVE_INTERVAL: Duration = Duration::from_millis(200);
/// Before the checkpoint file is tried again that could not be written.
const SAVE_RETRY: Duration = Duration::from_secs(2);
/// The last write at the end is tried so often.
const LAST_SAVES_MAX: u32 = 3;

/// A running agent. Dropped without [`Agent::stop`], it ends as in a crash.
pub struct Agent {
    stop: Arc<AtomicBool>,
    senders: JoinSet<()>,
    /// Writes the checkpoint file, and reports.
    background: JoinSet<()>,
    saves: Saves,
    shutdown_timeout: Duration,
    notices: Notices,
    stats: Arc<Stats>,
}

/// How an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopReport {
    /// Everything that had been read was acknowledged.
    pub is_all_sent: bool,
    /// The checkpoint file says so.
    pub is_saved: bool,
}

impl Agent {
    /// Must be called within a Tokio runtime with time.
    ///
    /// # Errors
    /// When the checkpoint file is not understood or used by another agent.
    pub fn start(
        config: Config,
        services: &Services,
        notices: Notices,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CheckpointError> {
        let (file, flows) = CheckpointFile::open(config.checkpoint_file)?;
        let positions = Arc::new(Positions::new(flows));
        let stats = Arc::new(Stats::default());
        let saves = Saves {
            name: format!("checkpoint file {}", file.path().display()).into(),
            file: Arc::new(Mutex::new(file)),
            positions: Arc::clone(&positions),
            kept: config.checkpoint_kept,
            clock: Arc::clone(&clock),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let mut senders = JoinSet::new();
        for flow in config.flows {
            let flow = Arc::new(flow);
            let destination = services.destination(&flow.destination);
            let (sender, queue) = mpsc::channel(QUEUE_BATCHES_MAX);
            senders.spawn(
                Sender::new(&flow, destination, Arc::clone(&positions), Arc::clone(&stats), notices.clone()).run(queue),
            );
            let tailer =
                Tailer::new(flow, Arc::clone(&positions), Arc::clone(&stats), notices.clone(), Arc::clone(&clock));
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || tailer.run(&sender, &stop));
        }
        let mut background = JoinSet::new();
        background.spawn(keep_saved(saves.clone(), notices.clone()));
        background.spawn(report(Arc::clone(&stats), config.status_interval, notices.clone()));
        Ok(Self { stop, senders, background, saves, shutdown_timeout: config.shutdown_timeout, notices, stats })
    }

    /// Reads nothing more, sends what is read within the time that the configuration gives, and notes how far it came.
    pub async fn stop(mut self) -> StopReport {
        self.stop.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + self.shutdown_timeout;
        let all_sent = async { while self.senders.join_next().await.is_some() {} };
        let is_all_sent = timeout_at(deadline, all_sent).await.is_ok();
        // Threads that still hold batches find their queues closed.
        self.senders.shutdown().await;
        self.background.shutdown().await;
        // A write that was cut short may have taken them.
        self.saves.positions.give_back_changes();
        let mut is_saved = false;
        for attempt in 1..=LAST_SAVES_MAX {
            match self.saves.save().await {
                Ok(()) => {
                    is_saved = true;
                    break;
                }
                Err(error) => {
                    self.notices.say(&format!("{}: cannot be written: {error}", self.saves.name));
                    if attempt < LAST_SAVES_MAX {
                        sleep(SAVE_INTERVAL).await;
                    }
                }
            }
        }
        self.notices.say(&format!("stopped: {}", self.stats));
        StopReport { is_all_sent, is_saved }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Threads end; those that still hold batches find their queues closed.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Writes positions to the checkpoint file.
#[derive(Clone)]
struct Saves {
    /// Of the file, in messages.
    name: Arc<str>,
    file: Arc<Mutex<CheckpointFile>>,
    positions: Arc<Positions>,
    kept: Duration,
    clock: Arc<dyn Clock>,
}

impl Saves {
    /// Writes what has changed.
    async fn save(&self) -> io::Result<()> {
        let Some(flows) = self.positions.take_changes(self.clock.now().minus(self.kept)) else { return Ok(()) };
        let file = Arc::clone(&self.file);
        // On disks, and slow ones at times.
        let written =
            tokio::task::spawn_blocking(move || file.lock().unwrap_or_else(PoisonError::into_inner).write(flows));
        let written = written.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        if written.is_err() {
            self.positions.give_back_changes();
        }
        written
    }
}

async fn keep_saved(saves: Saves, notices: Notices) {
    loop {
        match saves.save().await {
            Ok(()) => {
                notices.over(&saves.name);
                saves.positions.changed.notified().await;
                sleep(SAVE_INTERVAL).await;
            }
            Err(error) => {
                notices.trouble(&saves.name, &format!("cannot be written: {error}; trying again"));
                sleep(SAVE_RETRY).await;
            }
        }
    }
}

async fn report(stats: Arc<Stats>, interval: Duration, notices: Notices) {
    loop {
        sleep(interval).await;
        notices.say(&format!("progress: {stats}"));
    }
}
