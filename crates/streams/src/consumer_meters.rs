//! What subscriptions of consumers bring, added up until somebody takes it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::meters::{Meter, Spread};
use crate::shard::lock;

/// Subscriptions of one consumer.
#[derive(Debug, Default)]
pub struct ConsumerMeter {
    /// 1 for each that was established, 0 for each that was refused.
    subscribed: Meter,
    rate_exceeded: AtomicU64,
    /// 1 for each event, 0 for an error in the place of one.
    pushed: Meter,
    records: Meter,
    bytes: Meter,
    /// Milliseconds to the tip.
    behind: Meter,
}

/// Subscriptions of one consumer since the last time they were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerMetersTaken {
    pub name: String,
    /// 1 for each that was established, 0 for each that was refused.
    pub subscribed: Option<Spread>,
    /// Of those that were refused: because there was one already, or too soon after another.
    pub rate_exceeded: u64,
    /// 1 for each event, 0 for an error in the place of one.
    pub pushed: Option<Spread>,
    pub records: Option<Spread>,
    pub bytes: Option<Spread>,
    /// Milliseconds to the tip.
    pub behind: Option<Spread>,
}

impl ConsumerMeter {
    pub fn subscribed(&self) {
        self.subscribed.note(1);
    }

    pub fn refused(&self, rate_exceeded: bool) {
        self.subscribed.note(0);
        self.rate_exceeded.fetch_add(u64::from(rate_exceeded), Ordering::Relaxed);
    }

    pub fn pushed(&self, records: usize, bytes: usize, millis_behind: i64) {
        self.pushed.note(1);
        self.records.note(records as u64);
        self.bytes.note(bytes as u64);
        self.behind.note(millis_behind.unsigned_abs());
    }

    /// An error was sent in the place of an event.
    pub fn failed(&self) {
        self.pushed.note(0);
    }

    fn take(&self, name: String) -> ConsumerMetersTaken {
        ConsumerMetersTaken {
            name,
            subscribed: self.subscribed.take(),
            rate_exceeded: self.rate_exceeded.swap(0, Ordering::Relaxed),
            pushed: self.pushed.take(),
            records: self.records.take(),
            bytes: self.bytes.take(),
            behind: self.behind.take(),
        }
    }
}

/// Meters by the name of the consumer. Only those that something was noted of, or that somebody holds.
#[derive(Debug, Default)]
pub struct ConsumerMeters(Mutex<BTreeMap<String, Arc<ConsumerMeter>>>);

impl ConsumerMeters {
    pub fn of(&self, consumer: &str) -> Arc<ConsumerMeter> {
        let mut meters = lock(&self.0);
        Arc::clone(meters.entry(consumer.to_owned()).or_default())
    }

    pub fn take(&self) -> Vec<ConsumerMetersTaken> {
        let mut meters = lock(&self.0);
        let taken = meters.iter().map(|(name, meter)| meter.take(name.clone()));
        let taken = taken.filter(|taken| taken.subscribed.is_some() || taken.pushed.is_some()).collect();
        meters.retain(|_, meter| Arc::strong_count(meter) > 1);
        taken
    }
}
