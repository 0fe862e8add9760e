//! The server: what `node` puts together, on the simulated machine.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::{Kinesis, KinesisService};
use base::ids::{AccountId, Region};
use base::time::{Clock, SystemClock};
use gateway::{Finished, Gateway, Monitor, Parts, Settings};
use store::catalog::SharedCatalog;
use store::memory::{MemoryCatalog, MemoryLog};
use store::shard_log::SharedShardLog;
use streams::{Limits, Streams, StreamsBuilder, StreamsSettings};
use tokio::sync::mpsc;

use crate::world::World;

/// Connections that wait to be accepted.
const BACKLOG: usize = 256;

/// A running server.
pub struct Server {
    gateway: Gateway,
    streams: Arc<Streams>,
}

impl Server {
    /// Starts the server on engines in memory.
    pub async fn start(world: &Arc<World>) -> Self {
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let catalog: SharedCatalog = Arc::new(MemoryCatalog::new());
        let log: SharedShardLog = Arc::new(MemoryLog::new(Arc::clone(&clock)));
        let settings = StreamsSettings {
            limits: Limits { enforced: false },
            transition_delay: world.plan.transition_delay,
            ..StreamsSettings::default()
        };
        let started = Streams::start(StreamsBuilder { catalog, log, clock, settings }).await;
        let streams = Arc::new(started.expect("engines in memory do not fail"));
        let (give, connections) = mpsc::channel(BACKLOG);
        let gateway = Gateway::start_over(parts(&streams), connections);
        world.net.listen(give);
        Self { gateway, streams }
    }

    /// Stops like a node that is told to: running requests are answered first.
    pub async fn shut_down(self, world: &World) {
        world.net.stop_listening();
        self.streams.stop();
        self.gateway.shutdown(Duration::from_secs(10)).await;
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
