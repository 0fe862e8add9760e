//! What `--dev` can do to a node: start afresh and move the clock.

use std::sync::Arc;
use std::time::Duration;

use api::service::Service;
use base::BoxFuture;
use base::time::{Clock, OffsetClock, Timestamp};
use gateway::DevControl;

use crate::engines::{Current, Engines, Stores};
use crate::settings::Settings;

/// Control over a node in memory.
pub struct Control {
    pub settings: Settings,
    pub clock: Arc<OffsetClock>,
    pub engines: Arc<Current>,
}

impl DevControl for Control {
    fn reset(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Service>>, String>> {
        Box::pin(async {
            let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
            let stores = Stores::in_memory(&self.settings, Arc::clone(&clock));
            let engines = Engines::start(&stores, &self.settings, clock).await.map_err(|error| error.to_string())?;
            let old = self.engines.get();
            self.engines.replace(engines.clone());
            // Subscriptions would follow streams that nobody sees any more.
            old.streams.stop();
            Ok(engines.services())
        })
    }

    fn advance(&self, by: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.clock.advance(by);
            let engines = self.engines.get();
            engines.streams.run_jobs().await;
            engines.tables.run_jobs().await;
            engines.monitor.run_jobs().await;
        })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
