//! What a seed decides before a life begins.

use std::time::Duration;

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
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// Machines that clients run on.
    pub clients: usize,
    pub conditions: Conditions,
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
        let count = random.index(6);
        let mut troubles: Vec<(Duration, Trouble)> =
            (0..count).map(|_| (random.millis(0..=millis), self.draw_trouble(random))).collect();
        troubles.sort_by_key(|(at, _)| *at);
        troubles
    }

    fn draw_trouble(&self, random: &mut Random) -> Trouble {
        let client = random.index(self.clients);
        match random.below(4) {
            0 => Trouble::Reset { client },
            1 | 2 => {
                let cut = *random.pick(&[Cut::ToServer, Cut::ToClient, Cut::Both]);
                Trouble::Partition { client, cut, millis: random.range(10..=8_000) }
            }
            _ => {
                let step = *random.pick(&[1_000, 60_000, HOUR_MILLIS, 24 * HOUR_MILLIS]);
                Trouble::ClockStep { millis: if random.percent(50) { step } else { -step } }
            }
        }
    }
}
