//! What a failing engine writes to the log of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::kinesis::*;
use tracing::span;

use crate::engines::{Engines, create, put};
use crate::world::caller;

/// Counts what would be logged as a warning or worse.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_full_disk_does_not_flood_the_log() {
    let warnings = Warnings::default();
    let _logged = tracing::subscriber::set_default(warnings.clone());
    let engines = Engines::new();
    let (streams, caller) = (engines.start().await, caller("000000000000", "us-east-1"));
    create(&streams, &caller, 1).await;
    engines.log.fail(true);
    for _ in 0..1000 {
        assert!(streams.put_record(&caller, put("lost")).await.is_err());
    }
    assert!(warnings.0.load(Ordering::SeqCst) <= 100, "{:?}", warnings.0);
}
