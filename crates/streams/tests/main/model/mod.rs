//! Lives of services at random, each step compared with the reference model of the test kit.

mod run;
mod server;
mod steps;
mod views;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::time::ManualClock;
use proptest::prelude::*;
use store::catalog::SharedCatalog;
use store::root_key::{DataKey, RootKey, UnwrapError};
use store::shard_log::SharedShardLog;
use store_local::{LocalLog, LocalLogSettings, SqliteCatalog};
use tempfile::TempDir;

use run::Run;
use server::{Engines, InMemory};
use steps::{Numbers, Step};

/// Steps of one life.
const STEPS: usize = 120;

/// Engines in a directory, closed and opened again with every start.
struct OnDisk {
    dir: TempDir,
    log: Option<Arc<LocalLog>>,
}

impl OnDisk {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { dir: dir.expect("room for a directory"), log: None }
    }
}

impl Engines for OnDisk {
    fn open(&mut self, clock: Arc<ManualClock>) -> (SharedCatalog, SharedShardLog) {
        if let Some(log) = self.log.take() {
            log.shut_down();
            assert_eq!(Arc::strong_count(&log), 1, "the directory is free when nobody has the log");
        }
        // Small files, so that many become segments.
        let settings = LocalLogSettings {
            journal_bytes_min: 1 << 16,
            journal_bytes_max: 1 << 16,
            ..LocalLogSettings::new(self.dir.path())
        };
        let log = LocalLog::open(&settings, clock, Arc::new(PlainKey), None).expect("the directory opens");
        let catalog = SqliteCatalog::open(&self.dir.path().join("catalog")).expect("the catalog opens");
        self.log = Some(log.clone());
        (Arc::new(catalog), log)
    }

    fn opened(&self) {
        if let Some(log) = &self.log {
            log.all_logs_open();
        }
    }
}

/// Wraps nothing.
struct PlainKey;

impl RootKey for PlainKey {
    fn id(&self) -> &str {
        "plain"
    }

    fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
        data_key.to_vec()
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        wrapped.try_into().map_err(|_| UnwrapError { root_key_id: "plain".to_owned(), reason: "length".to_owned() })
    }
}

fn live(engines: Box<dyn Engines>, delay_millis: u64, steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        Run::start(engines, Duration::from_millis(delay_millis)).await.take_all(steps).await;
    });
}

fn lives() -> impl Strategy<Value = Vec<Step>> {
    let steps = proptest::collection::vec(any::<Numbers>(), STEPS / 2..STEPS);
    steps.prop_map(|steps| steps.iter().map(Step::of).collect())
}

/// Changes are done at once in half of the lives.
fn delays() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..3000]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn in_memory(steps in lives(), delay in delays()) {
        live(Box::<InMemory>::default(), delay, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn on_disk(steps in lives(), delay in delays()) {
        live(Box::new(OnDisk::new()), delay, &steps);
    }
}
