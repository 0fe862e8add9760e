//! The server: what `node` puts together, on the simulated machine.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::{Kinesis, KinesisService};
use base::ids::{AccountId, Region};
use base::time::{Clock, SystemClock};
use gateway::{Finished, Gateway, Monitor, Parts, Settings};
use store::catalog::SharedCatalog;
use store::memory::MemoryLog;
use store::shard_log::SharedShardLog;
use store_local::OpenError;
use streams::{Limits, Streams, StreamsBuilder, StreamsSettings};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::log::SimLog;
use crate::world::World;

/// Connections that wait to be accepted.
const BACKLOG: usize = 256;

/// Why the server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Log(#[from] OpenError),
    #[error(transparent)]
    Streams(#[from] streams::StartError),
}

/// A running server. When it is dropped it is gone like a process that was killed.
pub struct Server {
    gateway: Gateway,
    streams: Arc<Streams>,
    log: Option<Arc<SimLog>>,
    /// The steps of the log.
    tasks: JoinSet<()>,
}

impl Server {
    /// Opens what is on the disk, and serves.
    ///
    /// # Errors
    /// When the log or the service does not start.
    pub async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let catalog: SharedCatalog = world.catalog.open();
        let (shard_log, log, tasks): (SharedShardLog, _, _) = if world.plan.log.is_on_disk {
            let (log, tasks) = SimLog::open(world)?;
            (Arc::clone(&log) as SharedShardLog, Some(log), tasks)
        } else {
            (Arc::new(MemoryLog::new(Arc::clone(&clock))), None, JoinSet::new())
        };
        let settings = StreamsSettings {
            limits: Limits { enforced: false },
            transition_delay: world.plan.transition_delay,
            ..StreamsSettings::default()
        };
        let streams = Streams::start(StreamsBuilder { catalog, log: shard_log, clock, settings }).await?;
        if let Some(log) = &log {
            log.all_logs_open();
        }
        let streams = Arc::new(streams);
        let (give, connections) = mpsc::channel(BACKLOG);
        let gateway = Gateway::start_over(parts(&streams), connections);
        world.net.listen(give);
        Ok(Self { gateway, streams, log, tasks })
    }

    /// Why appends are refused until a restart.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.log.as_ref().and_then(|log| log.failed())
    }

    /// Stops like a node that is told to: running requests are answered first. Answers whether the log has ended in order.
    pub async fn shut_down(self, world: &World) -> bool {
        world.net.stop_listening();
        self.streams.stop();
        self.gateway.shutdown(Duration::from_secs(10)).await;
        drop(self.streams);
        let mut is_in_order = true;
        if let Some(log) = self.log
            && let Err(error) = log.end().await
        {
            world.note("server", format_args!("the log does not end in order: {error}"));
            is_in_order = false;
        }
        drop(self.tasks);
        world.kill();
        is_in_order
    }
}

fn parts(streams: &Arc<Streams>) -> Parts {
    Parts {
        services: vec![Arc::new(KinesisService(Arc::clone(streams) as Arc<dyn Kinesis>))],
        credentials: None,
        // Signatures are made by the machine's clock, and not checked.
        clock: Arc::new(SystemClock),
        monitor: Arc::new(Quiet),
        dev: None,
        settings: Settings {
            region: None,
            region_default: Region::new("us-east-1").expect("a region"),
            account: AccountId::zero(),
            limits: gateway::Limits::default(),
        },
    }
}

/// Nobody watches.
struct Quiet;

impl Monitor for Quiet {
    fn finished(&self, _: &Finished) {}

    fn connection_opened(&self) {}

    fn connection_closed(&self) {}

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    fn metrics(&self) -> String {
        String::new()
    }
}
