//! What all parts of a simulated life share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::caller::Caller;
use base::ids::{AccountId, Region};
use base::sequence::SequenceNumber;
use client::{Credentials, KinesisClient};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::catalog::CatalogDisk;
use crate::clock::SimClock;
use crate::disk::Disk;
use crate::ledger::Ledger;
use crate::net::Net;
use crate::plan::Plan;
use crate::random::Random;
use crate::trace::Trace;

pub struct World {
    pub plan: Plan,
    pub random: Random,
    pub trace: Trace,
    pub clock: Arc<SimClock>,
    pub net: Arc<Net>,
    pub disk: Arc<Disk>,
    pub catalog: Arc<CatalogDisk>,
    /// How often the server's machine has failed; tells the supervisor.
    crashes: watch::Sender<u64>,
    /// How often the server was started.
    starts: AtomicU64,
    /// By name of the stream.
    ledgers: Mutex<BTreeMap<&'static str, Ledger>>,
    /// Requests that may still be made.
    requests_left: AtomicU64,
    /// When the workload ends.
    pub deadline: Instant,
}

impl World {
    #[must_use]
    pub fn new(plan: Plan, trace_lines_max: usize) -> Arc<Self> {
        let random = Random::new(plan.seed).fork("world");
        let trace = Trace::begin(trace_lines_max);
        let net = Net::new(random.fork("net"), plan.conditions, plan.clients);
        let disk = Disk::new(random.fork("disk"), plan.disk, trace.clone());
        let ledgers = plan.streams().map(|name| (name, Ledger::default())).collect();
        let world = Arc::new(Self {
            trace,
            clock: Arc::new(SimClock::begin()),
            net,
            disk,
            catalog: CatalogDisk::new(random.fork("catalog"), plan.disk.latency_millis_max),
            crashes: watch::Sender::new(0),
            starts: AtomicU64::new(0),
            ledgers: Mutex::new(ledgers),
            requests_left: AtomicU64::new(plan.requests_max),
            deadline: Instant::now() + plan.length,
            random,
            plan,
        });
        let weak = Arc::downgrade(&world);
        world.disk.on_power_loss(move || {
            if let Some(world) = weak.upgrade() {
                world.server_is_gone();
            }
        });
        world
    }

    /// The server's process dies, as by `kill -9`.
    pub fn kill(&self) {
        self.disk.kill();
        self.server_is_gone();
    }

    /// The server's machine loses its power; of what was not flushed so much is kept, in percent.
    pub fn lose_power(&self, kept_percent: u64) {
        self.disk.lose_power(kept_percent);
        self.server_is_gone();
    }

    fn server_is_gone(&self) {
        self.net.crash_server();
        self.catalog.crash();
        self.crashes.send_modify(|crashes| *crashes += 1);
    }

    /// Follows the number of crashes.
    pub fn crashes(&self) -> watch::Receiver<u64> {
        self.crashes.subscribe()
    }

    /// The number of this start of the server.
    pub fn next_start(&self) -> u64 {
        self.starts.fetch_add(1, Ordering::Relaxed)
    }

    pub fn note(&self, who: &str, what: fmt::Arguments<'_>) {
        self.trace.note(who, what);
    }

    /// Runs with the ledger of a stream.
    pub fn ledger<T>(&self, stream: &'static str, work: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut ledgers = self.ledgers();
        work(ledgers.get_mut(stream).expect("every stream of the plan has a ledger"))
    }

    /// Runs with the ledger of every stream.
    pub fn all_ledgers(&self, mut work: impl FnMut(&'static str, &mut Ledger)) {
        for (name, ledger) in self.ledgers().iter_mut() {
            work(name, ledger);
        }
    }

    fn ledgers(&self) -> MutexGuard<'_, BTreeMap<&'static str, Ledger>> {
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another request may be made; counts it.
    pub fn may_ask(&self) -> bool {
        let took = self.requests_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        took.is_ok() && Instant::now() < self.deadline
    }

    /// A client of its own for one program on one of the client machines.
    #[must_use]
    pub fn client(&self, machine: usize, attempt_timeout: Duration) -> KinesisClient {
        let endpoint = "http://server:4567".parse().expect("an endpoint");
        KinesisClient::builder(endpoint, region(), Credentials::anonymous())
            .connector(self.net.connector(machine))
            .attempt_timeout(attempt_timeout)
            // A retry would store its records again, under the same data.
            .attempts_max(1)
            .build()
            .expect("clients without TLS need nothing")
    }
}

fn region() -> Region {
    Region::new("us-east-1").expect("a region")
}

/// Who all clients are.
#[must_use]
pub fn caller() -> Caller {
    Caller { account: AccountId::zero(), region: region(), access_key_id: None }
}

/// The sequence number in an answer.
///
/// # Panics
/// When it is none: then the server has answered nonsense.
#[must_use]
pub fn sequence(text: &str) -> SequenceNumber {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}
