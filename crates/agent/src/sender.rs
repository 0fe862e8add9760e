//! Sends the batches of one flow, a few at a time, and acknowledges them in their order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc;

use crate::config::Flow;
use crate::destination::Destination;
use crate::notices::Notices;
use crate::positions::{FileKey, Positions};
use crate::record::{Batch, Record};
use crate::stats::Stats;

/// Requests of one flow that wait for their answers.
const IN_FLIGHT_MAX: usize = 4;
/// Batches that are full and wait to be sent.
pub const QUEUE_BATCHES_MAX: usize = 4;

pub struct Sender {
    pub flow: String,
    pub destination: Arc<dyn Destination>,
    pub delay_min: Duration,
    pub delay_max: Duration,
    pub positions: Arc<Positions>,
    pub stats: Arc<Stats>,
    pub notices: Notices,
}

impl Sender {
    pub fn new(
        flow: &Flow,
        destination: Arc<dyn Destination>,
        positions: Arc<Positions>,
        stats: Arc<Stats>,
        notices: Notices,
    ) -> Self {
        Self {
            flow: flow.id.clone(),
            destination,
            delay_min: flow.retry_delay_min,
            delay_max: flow.retry_delay_max.max(flow.retry_delay_min),
            positions,
            stats,
            notices,
        }
    }

    /// Ends when the queue is closed and everything in it is acknowledged.
    pub async fn run(self, mut queue: mpsc::Receiver<Batch>) {
        let mut in_flight = FuturesOrdered::new();
        let mut is_open = true;
        while is_open || !in_flight.is_empty() {
            tokio::select! {
                // Ends come in the order of the batches: a position never passes what is still on its way.
                Some(ends) = in_flight.next(), if !in_flight.is_empty() => {
                    let ends: Vec<(FileKey, u64)> = ends;
                    self.positions.acknowledge(&self.flow, &ends);
                }
                batch = queue.recv(), if is_open && in_flight.len() < IN_FLIGHT_MAX => match batch {
                    Some(batch) => in_flight.push_back(self.deliver(batch)),
                    None => is_open = false,
                },
            }
        }
    }

    /// Tries without an end; answers up to where the files are done.
    async fn deliver(&self, batch: Batch) -> Vec<(FileKey, u64)> {
        let mut records = batch.records;
        let mut delay = self.delay_min;
        while !records.is_empty() {
            match self.destination.put(&records).await {
                Ok(refusals) => {
                    let before = records.len();
                    let reason = refusals.iter().flatten().next().cloned();
                    let mut refusals = refusals.into_iter();
                    records.retain(|_: &Record| refusals.next().flatten().is_some());
                    let sent = before - records.len();
                    self.stats.sent.fetch_add(sent as u64, Ordering::Relaxed);
                    if sent > 0 {
                        delay = self.delay_min;
                    }
                    match reason {
                        None => self.notices.over(&self.flow),
                        Some(reason) => self.trouble(&format!("{} records not taken: {reason}", records.len())),
                    }
                }
                Err(reason) => self.trouble(&reason),
            }
            if !records.is_empty() {
                self.stats.retries.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(self.delay_max);
            }
        }
        batch.ends
    }

    fn trouble(&self, reason: &str) {
        self.notices.trouble(&self.flow, &format!("{reason}; trying again until it is taken"));
    }
}
