//! What a seed decides before a life begins.

use std::time::Duration;

use store::shard_log::Durability;

use crate::disk::{DiskConditions, Fault, Lies};
use crate::net::{Conditions, Cut};
use crate::random::Random;

/// Something that happens to the machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The way between a client machine and the server is cut for so long.
    Partition { client: usize, cut: Cut, millis: u64 },
    /// All connections of a client machine break.
    Reset { client: usize },
    /// The server's wall clock is set.
    ClockStep { millis: i64 },
    /// The server's process dies.
    Kill,
    /// The server's machine loses its power; of what was not flushed so much is kept, in percent.
    PowerLoss { kept_percent: u64 },
    /// The operation of the disk after so many others meets a fault.
    Disk { after: u64, fault: Fault },
    /// The disk has no more room than this for so long.
    DiskFull { bytes_left: u64, millis: u64 },
    /// The disk does nothing for so long.
    DiskStall { millis: u64 },
    /// The catalog finds no space for a commit.
    CatalogFull { after: u64 },
    /// The server is stopped in order and started again; meanwhile a bit on the disk may flip.
    Restart { flips: bool },
}

/// How the log is kept.
#[derive(Debug, Clone)]
pub struct LogPlan {
    /// On the disk; else in memory, where nothing survives a crash.
    pub is_on_disk: bool,
    pub durability: Durability,
    pub commit_tasks: usize,
    pub in_flight_max: u32,
    pub journal_bytes_min: u32,
    pub journal_bytes_max: u32,
    pub spare_files_max: usize,
    pub tail_budget_bytes: usize,
    /// Longest pause between two pieces of background work.
    pub step_millis_max: u64,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// Machines that clients run on.
    pub clients: usize,
    pub conditions: Conditions,
    pub disk: DiskConditions,
    pub log: LogPlan,
    pub writers: usize,
    pub readers: usize,
    pub subscribers: usize,
    /// Whether shards are split and merged, streams encrypted and retained longer.
    pub is_administered: bool,
    /// Whether a second stream is deleted and created again and again.
    pub is_churned: bool,
    /// How long the workload runs.
    pub length: Duration,
    pub requests_max: u64,
    pub attempt_timeout: Duration,
    pub transition_delay: Duration,
    /// Longest pause of a program between two requests.
    pub pause_millis_max: u64,
    pub payload_bytes_max: u64,
    pub shards: i32,
    /// In order of time since the beginning.
    pub troubles: Vec<(Duration, Trouble)>,
}

/// The stream that lives as long as the simulation.
pub const LASTING: &str = "lasting";
/// The stream that is deleted and created again.
pub const CHURNED: &str = "churned";

/// Room on the disk.
pub const DISK_BYTES: u64 = 64 << 20;
const HOUR_MILLIS: i64 = 3_600_000;

impl Plan {
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed).fork("plan");
        let clients = random.index(3) + 1;
        let length = random.millis(3_000..=40_000);
        let conditions = Conditions {
            latency_millis_max: *random.pick(&[1, 5, 20]),
            spikes_percent: *random.pick(&[0, 0, 2]),
            partial_percent: *random.pick(&[0, 10, 50]),
        };
        let mut plan = Self {
            seed,
            clients,
            conditions,
            disk: DiskConditions {
                bytes_max: DISK_BYTES,
                latency_millis_max: *random.pick(&[0, 2, 10, 50]),
                lies: Lies::default(),
            },
            log: LogPlan::draw(&mut random),
            writers: random.index(5) + 1,
            readers: random.index(4),
            subscribers: random.index(3),
            is_administered: random.percent(60),
            is_churned: random.percent(30),
            length,
            requests_max: random.range(60..=240),
            attempt_timeout: *random.pick(&[Duration::from_secs(1), Duration::from_secs(5)]),
            transition_delay: if random.percent(40) { random.millis(1..=1500) } else { Duration::ZERO },
            pause_millis_max: *random.pick(&[0, 20, 200, 1000]),
            payload_bytes_max: *random.pick(&[16, 200, 3000, 12_000]),
            shards: i32::try_from(random.range(1..=4)).expect("few"),
            troubles: Vec::new(),
        };
        plan.troubles = plan.draw_troubles(&mut random);
        plan
    }

    /// Names of the streams that the workload uses.
    pub fn streams(&self) -> impl Iterator<Item = &'static str> {
        [Some(LASTING), self.is_churned.then_some(CHURNED)].into_iter().flatten()
    }

    fn draw_troubles(&self, random: &mut Random) -> Vec<(Duration, Trouble)> {
        let millis = u64::try_from(self.length.as_millis()).expect("short");
        let count = random.index(8);
        let mut troubles: Vec<(Duration, Trouble)> =
            (0..count).map(|_| (random.millis(0..=millis), self.draw_trouble(random))).collect();
        troubles.sort_by_key(|(at, _)| *at);
        troubles
    }

    fn draw_trouble(&self, random: &mut Random) -> Trouble {
        let kinds = if self.log.is_on_disk { 14 } else { 4 };
        match random.below(kinds) {
            0 => Trouble::Reset { client: random.index(self.clients) },
            1 | 2 => {
                let client = random.index(self.clients);
                let cut = *random.pick(&[Cut::ToServer, Cut::ToClient, Cut::Both]);
                Trouble::Partition { client, cut, millis: random.range(10..=8_000) }
            }
            3 => {
                let step = *random.pick(&[1_000, 60_000, HOUR_MILLIS, 24 * HOUR_MILLIS]);
                Trouble::ClockStep { millis: if random.percent(50) { step } else { -step } }
            }
            4 => Trouble::Kill,
            5 | 6 => self.draw_power_loss(random),
            7 | 8 => Trouble::Disk { after: random.range(0..=60), fault: self.draw_fault(random) },
            9 => Trouble::DiskFull { bytes_left: random.range(0..=200_000), millis: random.range(100..=8_000) },
            10 => Trouble::DiskStall { millis: random.range(100..=8_000) },
            11 => Trouble::CatalogFull { after: random.range(0..=3) },
            12 => Trouble::Restart { flips: false },
            _ => Trouble::Restart { flips: true },
        }
    }

    fn draw_power_loss(&self, random: &mut Random) -> Trouble {
        match self.log.durability {
            Durability::Sync => Trouble::PowerLoss { kept_percent: draw_kept(random) },
            // What was acknowledged may be lost with the power: nothing is promised.
            Durability::Interval(_) | Durability::None => Trouble::Kill,
        }
    }

    fn draw_fault(&self, random: &mut Random) -> Fault {
        match self.log.durability {
            Durability::Sync if random.percent(60) => Fault::PowerLoss { kept_percent: draw_kept(random) },
            _ => Fault::Error,
        }
    }
}

fn draw_kept(random: &mut Random) -> u64 {
    *random.pick(&[0, 45, 90])
}

impl LogPlan {
    fn draw(random: &mut Random) -> Self {
        let journal_bytes_min = *random.pick(&[64 << 10, 64 << 10, 128 << 10, 256 << 10]);
        Self {
            is_on_disk: random.percent(95),
            durability: match random.below(20) {
                0 => Durability::None,
                1 => Durability::Interval(random.millis(1..=2_000)),
                _ => Durability::Sync,
            },
            commit_tasks: random.index(3) + 1,
            in_flight_max: *random.pick(&[1, 2, 4, 4, 8]),
            journal_bytes_min,
            journal_bytes_max: *random.pick(&[64 << 10, 256 << 10, 1 << 20]),
            spare_files_max: random.index(3),
            tail_budget_bytes: *random.pick(&[0, 4 << 10, 64 << 10, 4 << 20]),
            step_millis_max: *random.pick(&[0, 5, 200]),
        }
    }
}
