//! Carries out changes whose delay has passed, and those that a restart has cut off.

use api::kinesis::KinesisError;
use base::BoxFuture;

use super::Job;
use crate::change;
use crate::core::Core;

pub struct Transitions;

impl Job for Transitions {
    fn name(&self) -> &'static str {
        "transitions"
    }

    fn run<'a>(&'a self, core: &'a Core) -> BoxFuture<'a, Result<usize, KinesisError>> {
        Box::pin(async {
            let mut done = 0;
            let mut last_error = None;
            for stream in core.registry.all() {
                if stream.snapshot().row.pending.is_none() {
                    continue;
                }
                let _change = stream.change.lock().await;
                let row = stream.snapshot().row.clone();
                let Some(pending) = row.pending.clone().filter(|pending| core.is_due(pending.due)) else { continue };
                if stream.is_gone() {
                    continue;
                }
                // One stream that fails must not hold up the others.
                match change::carry_out(core, &stream, row, pending.change).await {
                    Ok(()) => done += 1,
                    Err(error) => last_error = Some(error),
                }
            }
            last_error.map_or(Ok(done), Err)
        })
    }
}
