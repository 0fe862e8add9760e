//! The bare log, in this process: producers hand it frames and wait, without a socket between.

use std::sync::Arc;

use super::running::{Running, Setup};
use crate::floor::{Log, frame};
use crate::load::Producer;
use crate::request::{VARIANTS, records};

struct BareLog {
    log: Arc<Log>,
    batches: Arc<[Vec<Vec<u8>>]>,
}

pub(super) fn log(setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    let log = Arc::new(Log::open(setup.folder)?);
    let batch =
        |seed| records(setup.shape, seed).into_iter().map(|record| [record.key.into_bytes(), record.data].concat());
    let batches = (0..VARIANTS).map(|seed| batch(seed).collect()).collect();
    Ok(Box::new(BareLog { log, batches }))
}

impl Running for BareLog {
    fn pid(&self) -> u32 {
        std::process::id()
    }

    fn producer(&self, index: usize) -> Result<Box<dyn Producer>, String> {
        Ok(Box::new(Frames { log: Arc::clone(&self.log), batches: Arc::clone(&self.batches), next: index }))
    }

    fn stored(&self) -> Result<Option<u64>, String> {
        Ok(None)
    }
}

struct Frames {
    log: Arc<Log>,
    batches: Arc<[Vec<Vec<u8>>]>,
    next: usize,
}

impl Producer for Frames {
    fn send(&mut self) -> Result<(), String> {
        let batch = &self.batches[self.next % self.batches.len()];
        self.next += 1;
        let written = self.log.append(frame(batch.iter().map(Vec::as_slice)));
        written.blocking_recv().map_err(|_| "the log has stopped".to_owned())?
    }
}
