//! Removes closed shards whose records are all past retention. They have not been listed since that moment; this
//! frees what they take.

use std::sync::Arc;

use api::kinesis::KinesisError;
use base::BoxFuture;
use store::catalog::Transaction;

use super::Job;
use crate::core::Core;
use crate::rows::keys;
use crate::shard::Shard;

pub struct Expiry;

impl Job for Expiry {
    fn name(&self) -> &'static str {
        "shard expiry"
    }

    fn run<'a>(&'a self, core: &'a Core) -> BoxFuture<'a, Result<usize, KinesisError>> {
        Box::pin(async {
            let mut done = 0;
            for stream in core.registry.all() {
                let now = core.now();
                let snapshot = stream.snapshot();
                let horizon = snapshot.horizon(now);
                if !snapshot.shards.iter().any(|shard| shard.is_expired(horizon)) {
                    continue;
                }
                let _change = stream.change.lock().await;
                if stream.is_gone() {
                    continue;
                }
                let before = stream.snapshot();
                let (expired, kept): (Vec<Arc<Shard>>, Vec<Arc<Shard>>) =
                    before.shards.iter().cloned().partition(|shard| shard.is_expired(horizon));
                let mut transaction = Transaction::new();
                for shard in &expired {
                    transaction = transaction.delete(keys::shard(stream.incarnation, shard.row.index));
                }
                let mut after = before.with_row(before.row.clone());
                after.shards = kept;
                core.commit(&stream, after, transaction).await?;
                for shard in &expired {
                    core.log.remove(shard.row.log);
                }
                done += expired.len();
            }
            Ok(done)
        })
    }
}
