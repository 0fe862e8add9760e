//! The log, the catalog and the service on top of them: on disk, or in memory.

use std::sync::{Arc, PoisonError, RwLock};

use api::cloudwatch::{CloudWatch, CloudWatchService};
use api::dynamodb::{DynamoDB, DynamoDBService};
use api::kinesis::{Kinesis, KinesisService};
use api::service::Service;
use api::sts::STSService;
use auth::Sts;
use base::time::Clock;
use monitor::{Monitor, MonitorBuilder, MonitorSettings};
use store::catalog::SharedCatalog;
use store::memory::{MemoryCatalog, MemoryLog};
use store::root_key::RootKey;
use store::shard_log::SharedShardLog;
use store_local::{LocalLog, LocalLogSettings};
use streams::{Limits, Streams, StreamsBuilder, StreamsSettings};
use tables::{Tables, TablesBuilder, TablesSettings};

use crate::kept::Kept;
use crate::own_metrics::KinesisMetrics;
use crate::settings::{ByteSize, Settings};
use crate::start::StartError;
use crate::webhook::Hooks;

/// Journal files begin no larger than this and grow up to what is set.
const FIRST_JOURNAL_FILE: ByteSize = ByteSize::mib(16);

/// Where everything is kept.
#[derive(Clone)]
pub struct Stores {
    pub catalog: SharedCatalog,
    pub log: SharedShardLog,
    /// The log again, when it is on disk.
    pub local_log: Option<Arc<LocalLog>>,
}

impl Stores {
    pub fn in_memory(settings: &Settings, clock: Arc<dyn Clock>) -> Self {
        let log = MemoryLog::with_budget(clock, settings.tail_memory.0);
        Self { catalog: Arc::new(MemoryCatalog::new()), log: Arc::new(log), local_log: None }
    }

    /// Answers the root key too.
    pub async fn on_disk(settings: &Settings, clock: Arc<dyn Clock>) -> Result<(Self, Arc<dyn RootKey>), StartError> {
        let kept = Kept::open(settings).await?;
        let log = kept.log(log_settings(settings), clock).await?;
        let stores = Self { catalog: kept.catalog, log: Arc::clone(&log) as SharedShardLog, local_log: Some(log) };
        Ok((stores, kept.root_key))
    }
}

fn log_settings(settings: &Settings) -> LocalLogSettings {
    let bytes = |size: ByteSize| u32::try_from(size.0).expect("checked with the settings");
    LocalLogSettings {
        durability: settings.durability,
        journal_bytes_min: bytes(FIRST_JOURNAL_FILE.min(settings.journal_file)),
        journal_bytes_max: bytes(settings.journal_file),
        append_bytes_max: settings.append_memory.0,
        tail_budget_bytes: settings.tail_memory.0,
        ..LocalLogSettings::new(&settings.data)
    }
}

/// Kinesis, and the log beneath it. In `dev`, others may take their places.
#[derive(Clone)]
pub struct Engines {
    pub log: SharedShardLog,
    /// The log again, when it is on disk.
    local_log: Option<Arc<LocalLog>>,
    pub streams: Arc<Streams>,
    pub tables: Arc<Tables>,
    pub monitor: Arc<Monitor>,
}

impl Engines {
    pub async fn start(stores: &Stores, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let streams = Streams::start(StreamsBuilder {
            catalog: Arc::clone(&stores.catalog),
            log: Arc::clone(&stores.log),
            clock: Arc::clone(&clock),
            settings: StreamsSettings {
                limits: Limits { enforced: settings.limits.is_on() },
                transition_delay: settings.transition_delay,
                ..StreamsSettings::default()
            },
        })
        .await?;
        if let Some(log) = &stores.local_log {
            log.all_logs_open();
        }
        let streams = Arc::new(streams);
        let tables = Tables::start(TablesBuilder {
            catalog: Arc::clone(&stores.catalog),
            clock: Arc::clone(&clock),
            settings: TablesSettings::default(),
        });
        let tables = Arc::new(tables.await?);
        let monitor = Monitor::start(MonitorBuilder {
            catalog: Arc::clone(&stores.catalog),
            clock,
            own: Arc::new(KinesisMetrics::new(Arc::clone(&streams))),
            kinesis: Arc::clone(&streams) as Arc<dyn Kinesis>,
            webhook: Arc::new(Hooks),
            settings: MonitorSettings::default(),
        });
        let monitor = Arc::new(monitor.await?);
        Ok(Self { log: Arc::clone(&stores.log), local_log: stores.local_log.clone(), streams, tables, monitor })
    }

    /// Why records cannot be put, now or soon; reads go on.
    pub fn trouble(&self) -> Option<String> {
        if let Some(reason) = self.log.status().failed {
            return Some(format!("the log takes no records until a restart: {reason}"));
        }
        let full = self.local_log.as_ref()?.full()?;
        Some(format!("there is no room for new records: {}", full.reason))
    }

    /// For the gateway.
    pub fn services(&self) -> Vec<Arc<dyn Service>> {
        vec![
            Arc::new(KinesisService(Arc::clone(&self.streams) as Arc<dyn Kinesis>)),
            Arc::new(DynamoDBService(Arc::clone(&self.tables) as Arc<dyn DynamoDB>)),
            Arc::new(CloudWatchService(Arc::clone(&self.monitor) as Arc<dyn CloudWatch>)),
            Arc::new(STSService(Arc::new(Sts))),
        ]
    }
}

/// The engines that serve now.
pub struct Current(RwLock<Engines>);

impl Current {
    pub fn new(engines: Engines) -> Arc<Self> {
        Arc::new(Self(RwLock::new(engines)))
    }

    pub fn get(&self) -> Engines {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, engines: Engines) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = engines;
    }
}
