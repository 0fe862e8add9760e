//! Who holds which subscription: one per consumer and shard, with the rules of taking over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::ids::ShardIndex;
use base::time::Timestamp;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::shard::lock;

/// A running subscription can be taken over this long after it began.
const TAKEOVER_AFTER: Duration = Duration::from_secs(5);
/// Calls for the same consumer and shard must be this far apart.
const CALL_INTERVAL: Duration = Duration::from_secs(1);
/// Entries from which on stale ones are dropped.
const PRUNE_FROM: usize = 1024;

/// What a subscription is for. `registered` tells consumers of the same name apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubscriptionKey {
    pub incarnation: u64,
    pub shard: ShardIndex,
    pub consumer: String,
    pub registered: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubscribeError {
    #[error("another subscription has been running for less than five seconds")]
    InUse,
    #[error("calls are less than a second apart")]
    TooSoon,
}

/// All subscriptions of the node.
#[derive(Debug, Default)]
pub struct Subscriptions {
    entries: Arc<Mutex<HashMap<SubscriptionKey, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    /// The last call that began a subscription.
    last_call: Timestamp,
    /// The last call that was told of the running subscription.
    last_refusal: Option<Timestamp>,
    /// No records are to be sent before: what was sent is being paid off, by whichever subscription.
    next_records: Instant,
    /// Tells the running subscription that it was taken over.
    running: Option<watch::Sender<bool>>,
}

/// A running subscription; ends when dropped.
#[derive(Debug)]
pub struct Subscription {
    entries: Arc<Mutex<HashMap<SubscriptionKey, Entry>>>,
    key: SubscriptionKey,
    taken_over: watch::Receiver<bool>,
    next_records: Instant,
}

impl Subscriptions {
    /// Begins a subscription. `paced`: whether calls must be a second apart.
    ///
    /// # Errors
    /// When another one runs and is too young to be taken over, or calls come too fast.
    pub fn begin(&self, key: SubscriptionKey, now: Timestamp, paced: bool) -> Result<Subscription, SubscribeError> {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get_mut(&key) {
            entry.admit(now, paced)?;
        }
        if entries.len() >= PRUNE_FROM {
            entries.retain(|_, entry| entry.is_needed(now));
        }
        let (running, taken_over) = watch::channel(false);
        let next_records = entries.get(&key).map_or_else(Instant::now, |before| before.next_records);
        let entry = Entry { last_call: now, last_refusal: None, next_records, running: Some(running) };
        let before = entries.insert(key.clone(), entry);
        if let Some(old) = before.and_then(|entry| entry.running) {
            old.send_replace(true);
        }
        Ok(Subscription { entries: self.entries.clone(), key, taken_over, next_records })
    }

    /// Subscriptions that are running.
    #[must_use]
    pub fn running(&self) -> usize {
        lock(&self.entries).values().filter(|entry| entry.running.is_some()).count()
    }
}

impl Entry {
    /// Whether a call may begin another subscription. Of calls that follow a successful one, the first is told of the
    /// running subscription, and whoever repeats it within a second that calls come too fast.
    fn admit(&mut self, now: Timestamp, paced: bool) -> Result<(), SubscribeError> {
        let age = now.since(self.last_call);
        if self.running.is_none() {
            return if paced && age < CALL_INTERVAL { Err(SubscribeError::TooSoon) } else { Ok(()) };
        }
        if age >= TAKEOVER_AFTER {
            return Ok(());
        }
        if paced && self.last_refusal.is_some_and(|last| now.since(last) < CALL_INTERVAL) {
            return Err(SubscribeError::TooSoon);
        }
        self.last_refusal = Some(now);
        Err(SubscribeError::InUse)
    }

    /// Whether the next call depends on this one.
    fn is_needed(&self, now: Timestamp) -> bool {
        let is_recent = now.since(self.last_call) < CALL_INTERVAL;
        self.running.is_some() || is_recent || self.next_records > Instant::now()
    }
}

impl Subscription {
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        *self.taken_over.borrow()
    }

    /// No records are to be sent before.
    #[must_use]
    pub fn next_records(&self) -> Instant {
        self.next_records
    }

    /// No more records until then, neither here nor in a later subscription of the same consumer to the same shard.
    pub fn pause_records(&mut self, until: Instant) {
        self.next_records = until;
        if let Some(entry) = lock(&self.entries).get_mut(&self.key) {
            entry.next_records = entry.next_records.max(until);
        }
    }

    /// Returns when another subscription has taken this one over.
    pub async fn taken_over(&mut self) {
        // The sender goes only after it has told.
        let _ = self.taken_over.wait_for(|taken| *taken).await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.is_taken_over() {
            return;
        }
        if let Some(entry) = lock(&self.entries).get_mut(&self.key) {
            let is_own = entry.running.as_ref().is_some_and(|own| own.subscribe().same_channel(&self.taken_over));
            if is_own {
                entry.running = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn key() -> SubscriptionKey {
        SubscriptionKey { incarnation: 1, shard: ShardIndex(0), consumer: "c".into(), registered: START }
    }

    fn after(millis: u64) -> Timestamp {
        START.plus(Duration::from_millis(millis))
    }

    #[test]
    fn young_subscriptions_cannot_be_taken_over() {
        let all = Subscriptions::default();
        let first = all.begin(key(), START, true).expect("free");
        assert_eq!(all.begin(key(), after(4999), true).err(), Some(SubscribeError::InUse));
        let second = all.begin(key(), after(5000), true).expect("old enough");
        assert!(first.is_taken_over());
        drop(first);
        assert_eq!(all.running(), 1);
        assert!(!second.is_taken_over());
        drop(second);
        assert_eq!(all.running(), 0);
    }

    #[test]
    fn dropping_frees() {
        let all = Subscriptions::default();
        drop(all.begin(key(), START, true).expect("free"));
        assert_eq!(all.begin(key(), after(999), true).err(), Some(SubscribeError::TooSoon));
        assert!(all.begin(key(), after(999), false).is_ok());
        assert!(all.begin(key(), after(2000), true).is_ok());
    }
}
