//! What a worker makes of the lease table, look by look: who renews, and who decides.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use base::ByteString;
use tokio::time::Instant;

use super::lease::{Item, Lease, name};

/// The row by which KCL's workers elect the one that assigns leases.
const LEADER: &str = "Leader";

/// Remembers when rows last changed; clocks of different workers are never compared.
#[derive(Default)]
pub(super) struct View {
    pub leases: Vec<Lease>,
    seen: HashMap<ByteString, Seen>,
    leader: Option<Leader>,
}

struct Seen {
    counter: i64,
    counter_since: Instant,
    /// Since when the lease has been on its way to its owner.
    handover_since: Option<Instant>,
}

struct Leader {
    version: Option<ByteString>,
    since: Instant,
    duration: Duration,
}

impl View {
    /// Takes the rows of a new look.
    pub(super) fn update(&mut self, items: &[Item], now: Instant) {
        self.leases = items.iter().filter_map(Lease::read).collect();
        let keys: HashSet<&ByteString> = self.leases.iter().map(|lease| &lease.key).collect();
        self.seen.retain(|key, _| keys.contains(key));
        for lease in &self.leases {
            let new = || Seen { counter: lease.counter, counter_since: now, handover_since: None };
            let seen = self.seen.entry(lease.key.clone()).or_insert_with(new);
            if seen.counter != lease.counter {
                (seen.counter, seen.counter_since) = (lease.counter, now);
            }
            seen.handover_since = lease.checkpoint_owner.as_ref().and(seen.handover_since.or(Some(now)));
        }
        self.see_leader(items, now);
    }

    fn see_leader(&mut self, items: &[Item], now: Instant) {
        let text = |item: &Item, name: &str| item.get(name).and_then(|value| value.s.clone());
        let row = items.iter().find(|item| text(item, name::LEASE_KEY).is_some_and(|key| key == LEADER));
        let row = row.filter(|row| !row.contains_key("isReleased"));
        self.leader = row.map(|row| {
            let version = text(row, "recordVersionNumber");
            let millis = text(row, "leaseDuration").and_then(|millis| millis.parse().ok()).unwrap_or_default();
            let before = self.leader.as_ref().filter(|leader| leader.version == version);
            let since = before.map_or(now, |leader| leader.since);
            Leader { version, since, duration: Duration::from_millis(millis) }
        });
    }

    /// Whether a worker of KCL's assigns the leases: then this one takes none of its own accord.
    pub(super) fn has_leader(&self, now: Instant) -> bool {
        self.leader.as_ref().is_some_and(|leader| now < leader.since + leader.duration)
    }

    /// Whether the owner of a lease has not renewed it for so long.
    pub(super) fn is_expired(&self, lease: &Lease, failover: Duration, now: Instant) -> bool {
        self.seen.get(&lease.key).is_some_and(|seen| now >= seen.counter_since + failover)
    }

    /// Whether a lease has been on its way for so long.
    pub(super) fn is_handover_late(&self, lease: &Lease, handover: Duration, now: Instant) -> bool {
        let since = self.seen.get(&lease.key).and_then(|seen| seen.handover_since);
        since.is_some_and(|since| now >= since + handover)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumer::lease::{number, text};

    fn lease(counter: i64) -> Item {
        Item::from([
            (name::LEASE_KEY.into(), text("s")),
            (name::LEASE_COUNTER.into(), number(counter)),
            (name::CHECKPOINT.into(), text("TRIM_HORIZON")),
            (name::LEASE_OWNER.into(), text("a")),
        ])
    }

    fn leader(version: &'static str) -> Item {
        Item::from([
            (name::LEASE_KEY.into(), text(LEADER)),
            ("leaseDuration".into(), text("120000")),
            ("recordVersionNumber".into(), text(version)),
        ])
    }

    #[test]
    fn a_lease_expires_when_its_counter_stands_still() {
        let (mut view, start, failover) = (View::default(), Instant::now(), Duration::from_secs(10));
        let at = |seconds| start + Duration::from_secs(seconds);
        for (seconds, counter, is_expired) in [(0, 1, false), (6, 1, false), (10, 1, true), (12, 2, false)] {
            view.update(&[lease(counter)], at(seconds));
            assert_eq!(view.is_expired(&view.leases[0], failover, at(seconds)), is_expired, "after {seconds} s");
        }
    }

    #[test]
    fn a_handover_is_late_when_it_has_been_asked_for_long_ago() {
        let (mut view, start, handover) = (View::default(), Instant::now(), Duration::from_secs(30));
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut asked = lease(1);
        asked.insert(name::CHECKPOINT_OWNER.into(), text("b"));
        for (seconds, row, is_late) in
            [(0, &asked, false), (40, &asked, true), (41, &lease(1), false), (50, &asked, false)]
        {
            view.update(std::slice::from_ref(row), at(seconds));
            assert_eq!(view.is_handover_late(&view.leases[0], handover, at(seconds)), is_late, "after {seconds} s");
        }
    }

    #[test]
    fn a_leader_is_one_for_as_long_as_it_says_so() {
        let (mut view, start) = (View::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for (seconds, version, has_leader) in [(0, "a", true), (119, "a", true), (121, "a", false), (130, "b", true)] {
            view.update(&[leader(version)], at(seconds));
            assert_eq!(view.has_leader(at(seconds)), has_leader, "after {seconds} s");
        }
        let mut released = leader("b");
        released.insert("isReleased".into(), text("1"));
        view.update(&[released], at(131));
        assert!(!view.has_leader(at(131)));
    }
}
