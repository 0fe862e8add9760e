//! What `--dev` can do to a node: start afresh and move the clock.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::{DeleteStreamInput, Kinesis as _};
use api::service::Service;
use base::BoxFuture;
use base::caller::Caller;
use base::time::{Clock, OffsetClock, Timestamp};
use gateway::DevControl;
use tracing::debug;

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
            delete_streams(&old).await;
            Ok(engines.services())
        })
    }

    fn advance(&self, by: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.clock.advance(by);
            self.engines.get().streams.run_jobs().await;
        })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Ends the subscriptions of engines that serve no more. What cannot be deleted is forgotten all the same.
async fn delete_streams(engines: &Engines) {
    for stream in engines.streams.metrics_snapshot() {
        let caller = Caller {
            account: stream.arn.account.clone(),
            region: stream.arn.region.clone(),
            // Call rates are counted by caller; as many callers as streams are not held up by them.
            access_key_id: Some(stream.arn.to_string()),
        };
        let input = DeleteStreamInput {
            stream_name: Some(stream.arn.stream.text()),
            enforce_consumer_deletion: Some(true),
            ..DeleteStreamInput::default()
        };
        if let Err(error) = engines.streams.delete_stream(&caller, input).await {
            debug!(%error, stream = %stream.arn, "a stream was dropped undeleted");
        }
    }
}
