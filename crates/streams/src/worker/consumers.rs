//! Removes consumers whose deregistration has taken its time.

use api::kinesis::KinesisError;
use base::BoxFuture;

use super::Job;
use crate::core::Core;
use crate::registration;

pub struct Consumers;

impl Job for Consumers {
    fn name(&self) -> &'static str {
        "consumers"
    }

    fn run<'a>(&'a self, core: &'a Core) -> BoxFuture<'a, Result<usize, KinesisError>> {
        Box::pin(async {
            let mut done = 0;
            for stream in core.registry.all() {
                let is_due = |gone: Option<_>| gone.is_some_and(|at| core.is_due(at));
                if !stream.snapshot().consumers.iter().any(|consumer| is_due(consumer.gone_at)) {
                    continue;
                }
                let _change = stream.change.lock().await;
                if stream.is_gone() {
                    continue;
                }
                let snapshot = stream.snapshot();
                for consumer in snapshot.consumers.iter().filter(|consumer| is_due(consumer.gone_at)) {
                    registration::remove(core, &stream, consumer).await?;
                    done += 1;
                }
            }
            Ok(done)
        })
    }
}
