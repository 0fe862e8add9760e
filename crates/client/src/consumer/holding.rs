//! A lease that this worker holds. Its row is written by renewals and checkpoints, one at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::dynamodb::DynamoDBError;
use base::ByteString;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};

use super::lease::{Checkpoint, Lease};
use super::processor::CheckpointError;
use super::table::LeaseTable;

/// Wait before a row is written again after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// How often a lease is given up that changes while that is done.
const RELEASES_MAX: u32 = 5;

/// What is to become of the processing of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Process,
    /// Checkpoint and give the lease up.
    HandOver,
    /// Somebody else has the lease.
    Lost,
}

pub(super) struct Holding {
    pub key: ByteString,
    table: LeaseTable,
    worker: ByteString,
    failover: Duration,
    row: Mutex<Row>,
    order: watch::Sender<Order>,
    /// Bytes read since the last renewal.
    bytes: AtomicU64,
}

struct Row {
    lease: Lease,
    renewed: Instant,
}

/// What an owner writes into its row.
enum Write {
    Renewal { kbps: f64 },
    Checkpoint(Checkpoint),
}

impl Holding {
    pub(super) fn new(table: LeaseTable, worker: ByteString, failover: Duration, lease: Lease) -> Self {
        Self {
            key: lease.key.clone(),
            table,
            worker,
            failover,
            row: Mutex::new(Row { lease, renewed: Instant::now() }),
            order: watch::Sender::new(Order::Process),
            bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn orders(&self) -> watch::Receiver<Order> {
        self.order.subscribe()
    }

    /// What is lost stays lost.
    pub(super) fn order(&self, order: Order) {
        self.order.send_if_modified(|now| {
            let changes = *now != order && *now != Order::Lost;
            if changes {
                *now = order;
            }
            changes
        });
    }

    pub(super) fn has_read(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) async fn lease(&self) -> Lease {
        self.row.lock().await.lease.clone()
    }

    /// Tells the others that this worker is alive, and gives the lease up for lost when that takes longer than `limit`.
    pub(super) async fn renew_within(&self, limit: Duration) {
        if timeout(limit, self.renew()).await.is_err() {
            self.order(Order::Lost);
        }
    }

    /// Finds out too whether the lease was lost or should be handed over.
    async fn renew(&self) {
        let mut row = self.row.lock().await;
        let seconds = row.renewed.elapsed().as_secs_f64().max(0.001);
        #[allow(clippy::cast_precision_loss, reason = "a rate for balancing needs no more digits")]
        let kbps = self.bytes.swap(0, Ordering::Relaxed) as f64 / 1024.0 / seconds;
        let started = Instant::now();
        let renewed = self.write(&mut row, &Write::Renewal { kbps: (kbps * 100.0).round() / 100.0 }).await;
        match renewed {
            Ok(true) => row.renewed = started,
            // It says so itself.
            Ok(false) => {}
            Err(_) if row.renewed.elapsed() < self.failover => {}
            // By now others may take it, so that to go on would be to process twice.
            Err(_) => self.order(Order::Lost),
        }
    }

    pub(super) async fn checkpoint(&self, to: Checkpoint) -> Result<(), CheckpointError> {
        let mut row = self.row.lock().await;
        let lost = || CheckpointError::LeaseLost { shard_id: self.key.clone() };
        if *self.order.borrow() == Order::Lost {
            return Err(lost());
        }
        if row.lease.checkpoint == to {
            return Ok(());
        }
        let is_held = self.write(&mut row, &Write::Checkpoint(to)).await?;
        if is_held { Ok(()) } else { Err(lost()) }
    }

    /// Writes; when the row was changed by others, looks whether the lease is still held, and if so writes again.
    async fn write(&self, row: &mut Row, write: &Write) -> Result<bool, DynamoDBError> {
        if self.write_once(row, write).await? {
            return Ok(true);
        }
        let found = self.table.get(&self.key).await?;
        // After another checkpoint than ours somebody else has processed the shard in between. What is about to be
        // written may be there already: the answer to the first attempt was lost.
        let is_known =
            |at: &Checkpoint| *at == row.lease.checkpoint || matches!(write, Write::Checkpoint(to) if at == to);
        let ours = found.filter(|found| found.actual_owner() == Some(&self.worker) && is_known(&found.checkpoint));
        let Some(ours) = ours else {
            self.order(Order::Lost);
            return Ok(false);
        };
        if ours.checkpoint_owner.is_some() {
            self.order(Order::HandOver);
        }
        row.lease = ours;
        let is_held = self.write_once(row, write).await?;
        if !is_held {
            self.order(Order::Lost);
        }
        Ok(is_held)
    }

    async fn write_once(&self, row: &mut Row, write: &Write) -> Result<bool, DynamoDBError> {
        match write {
            Write::Renewal { kbps } => self.table.renew(&mut row.lease, *kbps).await,
            Write::Checkpoint(to) => self.table.checkpoint(&mut row.lease, to.clone()).await,
        }
    }

    /// Whether the table has a lease of that shard.
    pub(super) async fn has_row(&self, shard: &ByteString) -> Result<bool, DynamoDBError> {
        Ok(self.table.get(shard).await?.is_some())
    }

    /// Gives the lease up, also when others have changed its row meanwhile. When that fails, it runs out.
    pub(super) async fn release(&self) {
        let mut row = self.row.lock().await;
        for _ in 0..RELEASES_MAX {
            if !matches!(self.table.release(&row.lease).await, Ok(false)) {
                return;
            }
            // Asked for, or no longer asked for.
            match self.table.get(&self.key).await {
                Ok(Some(found)) if found.actual_owner() == Some(&self.worker) => row.lease = found,
                _ => return,
            }
        }
    }

    /// Makes leases for the children and notes the end of the shard; false when the lease is lost before. Tries until
    /// one of the two is true.
    pub(super) async fn finish(&self, children: &[Lease]) -> bool {
        loop {
            match self.try_finish(children).await {
                Ok(()) => return true,
                Err(CheckpointError::LeaseLost { .. }) => return false,
                Err(CheckpointError::Table(_)) => sleep(PAUSE).await,
            }
        }
    }

    async fn try_finish(&self, children: &[Lease]) -> Result<(), CheckpointError> {
        // The children first: a shard at its end without them would be the end of the line.
        for child in children {
            self.table.create(child).await?;
        }
        if !children.is_empty() {
            let keys = children.iter().map(|child| child.key.clone()).collect();
            self.table.set_children(&self.key, keys).await?;
        }
        self.checkpoint(Checkpoint::shard_end()).await
    }
}
