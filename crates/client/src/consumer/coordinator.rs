//! The task that keeps the leases of one worker and starts the processing of its shards.
//!
//! Each round renews what is held, looks at the whole table, makes leases for shards that have none, starts on what
//! this worker has been given, and takes or asks for its share, unless a leader of KCL's assigns the leases.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use api::dynamodb::DynamoDBError;
use base::ByteString;
use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::StartError;
use super::balance::{self, Move};
use super::holding::{Holding, Order};
use super::lease::Lease;
use super::metrics::Counters;
use super::processor::RecordProcessor;
use super::reader::Reader;
use super::settings::ConsumerBuilder;
use super::shard;
use super::sync;
use super::table::LeaseTable;
use super::view::View;

/// Rounds within one failover time.
const ROUNDS: u32 = 3;
/// How often a worker that stops looks at leases that change while it gives them back.
const WITHDRAWALS_MAX: u32 = 5;
/// How often KCL's leader wants to hear of a worker.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

pub(super) struct Coordinator<F> {
    pub settings: ConsumerBuilder,
    pub table: LeaseTable,
    pub reader: Reader,
    pub counters: Arc<Counters>,
    pub processor: F,
    pub view: View,
    pub held: HashMap<ByteString, Held>,
    pub tasks: JoinSet<()>,
    /// Told when a shard's processing has come to an end.
    pub ended: Arc<Notify>,
    pub synced: Option<Instant>,
    pub reported: Option<Instant>,
}

pub(super) struct Held {
    holding: Arc<Holding>,
    /// Absent while the parents of the shard are not finished.
    task: Option<AbortHandle>,
}

impl<P: RecordProcessor, F: Fn(&str) -> P + Send + Sync + 'static> Coordinator<F> {
    /// Runs until told to stop, and then until all processors have had their last word.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut rounds = interval(self.settings.failover / ROUNDS);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = Arc::clone(&self.ended);
        // Of stopping.
        let mut deadline = None;
        loop {
            if let Some(deadline) = deadline {
                self.held.values().for_each(|held| held.holding.order(Order::HandOver));
                self.reap().await;
                if self.held.is_empty() || Instant::now() >= deadline {
                    return;
                }
            }
            let event = tokio::select! {
                _ = rounds.tick() => Event::Round,
                () = ended.notified() => Event::ShardEnded,
                // The consumer says so; it is never gone without ending this task.
                () = told_to_stop(&mut stop), if deadline.is_none() => Event::Stop,
            };
            match event {
                Event::Stop => {
                    deadline = Some(Instant::now() + self.settings.handover);
                    self.withdraw_in_time().await;
                }
                Event::ShardEnded if deadline.is_some() => {}
                Event::Round | Event::ShardEnded => self.round(deadline.is_some()).await,
            }
        }
    }

    async fn round(&mut self, is_stopping: bool) {
        self.reap().await;
        let held = self.holdings();
        let failover = self.settings.failover;
        renew(&held, failover).await;
        if !is_stopping {
            let looked = tokio::select! {
                looked = self.look() => looked,
                // Leases are kept while a look takes long.
                never = keep_renewing(&held, failover) => match never {},
            };
            if looked.is_err() {
                // The next round tries again; what is held is kept as long as it is renewed.
                self.counters.rounds_failed.add(1);
            }
        }
        self.counters.leases_held.set(self.held.len());
    }

    fn holdings(&self) -> Vec<Arc<Holding>> {
        self.held.values().map(|held| Arc::clone(&held.holding)).collect()
    }

    /// Forgets what has come to an end. Leases that were never begun are given back when that is ordered.
    async fn reap(&mut self) {
        let mut unbegun = Vec::new();
        self.held.retain(|_, held| match &held.task {
            Some(task) => !task.is_finished(),
            None if *held.holding.orders().borrow() == Order::Process => true,
            None => {
                unbegun.push(Arc::clone(&held.holding));
                false
            }
        });
        while self.tasks.try_join_next().is_some() {}
        for holding in unbegun {
            if *holding.orders().borrow() == Order::HandOver {
                holding.release().await;
            }
        }
    }

    async fn look(&mut self) -> Result<(), StartError> {
        let now = Instant::now();
        if is_due(self.reported, REPORT_INTERVAL, now) {
            self.table.report_worker(&self.settings.worker).await?;
            self.reported = Some(now);
        }
        let mut asked = self.scan().await?;
        if is_due(self.synced, self.settings.shard_sync, now) || self.view.leases.is_empty() {
            self.sync().await?;
            self.synced = Some(now);
            asked = self.scan().await?;
        }
        for key in sync::finished(&self.view.leases) {
            self.table.delete(&key).await?;
        }
        // What is taken is not renewed before the next round. What an attempt that was cut short took is found then.
        if let Ok(shared) = timeout(self.settings.failover / ROUNDS, self.share(asked)).await {
            shared?;
        }
        self.begin();
        Ok(())
    }

    /// Looks at the table, and says when it asked: a row that had not changed by then may have changed since. Changes
    /// count from the answer, so that a slow one makes nobody look silent for longer than it is.
    async fn scan(&mut self) -> Result<Instant, DynamoDBError> {
        let asked = Instant::now();
        let items = self.table.scan().await?;
        self.view.update(&items, Instant::now());
        Ok(asked)
    }

    /// Gets what is to be this worker's.
    async fn share(&mut self, now: Instant) -> Result<(), DynamoDBError> {
        self.adopt(now).await?;
        if !self.view.has_leader(now) {
            self.balance(now).await?;
        }
        Ok(())
    }

    async fn sync(&self) -> Result<(), StartError> {
        let ConsumerBuilder { kinesis, caller, stream, initial, .. } = &self.settings;
        for lease in sync::missing(&**kinesis, caller, stream, &self.view.leases, *initial).await? {
            self.table.create(&lease).await?;
        }
        Ok(())
    }

    /// Holds what the table says is this worker's.
    async fn adopt(&mut self, now: Instant) -> Result<(), DynamoDBError> {
        let me = self.settings.worker.clone();
        let mine: Vec<Lease> = self.view.leases.iter().filter(|lease| is_of(lease, &me)).cloned().collect();
        for lease in mine {
            if self.held.contains_key(&lease.key) {
                continue;
            }
            match &lease.checkpoint_owner {
                None => self.hold(lease),
                // On its way, from an owner that is alive and has time left.
                Some(owner)
                    if *owner != me
                        && !self.view.is_expired(&lease, self.settings.failover, now)
                        && !self.view.is_handover_late(&lease, self.settings.handover, now) => {}
                Some(_) => self.take(lease).await?,
            }
        }
        Ok(())
    }

    async fn balance(&mut self, now: Instant) -> Result<(), DynamoDBError> {
        let worker = self.settings.worker.clone();
        let is_gone = |lease: &Lease| self.view.is_expired(lease, self.settings.failover, now);
        let moves = balance::moves(&self.view.leases, &worker, is_gone, hash(&worker));
        for next in moves {
            let (Move::Take(key) | Move::Ask(key)) = &next;
            let lease = self.view.leases.iter().find(|lease| lease.key == *key).cloned();
            let lease = lease.expect("moves are of these leases");
            match next {
                Move::Take(_) if self.held.contains_key(&lease.key) => {}
                Move::Take(_) => self.take(lease).await?,
                Move::Ask(_) => {
                    let is_asked = self.table.ask_for(&lease, &worker).await?;
                    self.counters.leases_asked_for.add(usize::from(is_asked));
                }
            }
        }
        Ok(())
    }

    /// Takes a lease that is still as it was seen.
    async fn take(&mut self, mut lease: Lease) -> Result<(), DynamoDBError> {
        let worker = &self.settings.worker;
        if self.table.assign(&lease, worker).await? {
            lease.owner = Some(worker.clone());
            lease.checkpoint_owner = None;
            lease.counter += 1;
            self.counters.leases_taken.add(1);
            self.hold(lease);
        }
        Ok(())
    }

    /// What is not given back within the handover time runs out.
    async fn withdraw_in_time(&mut self) {
        let (held, failover, limit) = (self.holdings(), self.settings.failover, self.settings.handover);
        tokio::select! {
            _ = timeout(limit, self.withdraw()) => {}
            // The rest is kept until it is handed over.
            never = keep_renewing(&held, failover) => match never {},
        }
    }

    /// Gives back what the table says is, or is to be, this worker's although it has not begun to hold it: nobody else
    /// would take it before it runs out.
    async fn withdraw(&mut self) -> Result<(), DynamoDBError> {
        for _ in 0..WITHDRAWALS_MAX {
            self.scan().await?;
            let mut is_done = true;
            for lease in self.view.leases.iter().filter(|lease| is_of(lease, &self.settings.worker)) {
                if !self.held.contains_key(&lease.key) {
                    is_done &= match &lease.checkpoint_owner {
                        Some(other) => self.table.withdraw(lease, other).await?,
                        None => self.table.release(lease).await?,
                    };
                }
            }
            if is_done {
                break;
            }
        }
        Ok(())
    }

    fn hold(&mut self, lease: Lease) {
        let key = lease.key.clone();
        let (table, worker) = (self.table.clone(), self.settings.worker.clone());
        let holding = Arc::new(Holding::new(table, worker, self.settings.failover, lease));
        self.held.insert(key, Held { holding, task: None });
    }

    /// Starts the processing of held shards whose parents are finished.
    fn begin(&mut self) {
        for (key, held) in &mut self.held {
            let lease = self.view.leases.iter().find(|lease| lease.key == *key);
            if held.task.is_some() || !lease.is_some_and(|lease| sync::may_begin(lease, &self.view.leases)) {
                continue;
            }
            let (holding, reader) = (Arc::clone(&held.holding), self.reader.clone());
            let ended = Arc::clone(&self.ended);
            let processor = (self.processor)(key);
            held.task = Some(self.tasks.spawn(async move {
                shard::run(holding, reader, processor).await;
                ended.notify_one();
            }));
        }
    }
}

async fn renew(held: &[Arc<Holding>], failover: Duration) {
    // With what has passed since the renewal before, this makes the failover time.
    let limit = failover / ROUNDS * (ROUNDS - 1);
    join_all(held.iter().map(|holding| holding.renew_within(limit))).await;
}

async fn keep_renewing(held: &[Arc<Holding>], failover: Duration) -> Infallible {
    loop {
        sleep(failover / ROUNDS).await;
        renew(held, failover).await;
    }
}

enum Event {
    Round,
    ShardEnded,
    Stop,
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Whether a lease is, or is to be, a worker's, with something left to process.
fn is_of(lease: &Lease, worker: &ByteString) -> bool {
    lease.owner.as_ref() == Some(worker) && !lease.checkpoint.is_shard_end()
}

fn is_due(last: Option<Instant>, interval: Duration, now: Instant) -> bool {
    last.is_none_or(|last| now >= last + interval)
}

/// Another number for each worker.
fn hash(worker: &ByteString) -> usize {
    let mut hasher = DefaultHasher::new();
    worker.hash(&mut hasher);
    usize::try_from(hasher.finish() >> 33).expect("31 bits")
}
