//! The life of a stream: its status, the changes that take time, and the changes that are rationed by the day.

use std::time::Duration;

use base::hash_key::HashKey;
use base::ids::ShardIndex;
use base::time::Timestamp;

/// Length of the window in which some changes are counted.
const WINDOW: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Creating,
    Active,
    Updating,
    Deleting,
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }

    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Creating => 1,
            Self::Active => 2,
            Self::Updating => 3,
            Self::Deleting => 4,
        }
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Creating, Self::Active, Self::Updating, Self::Deleting].into_iter().find(|status| status.code() == code)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Provisioned,
    OnDemand,
}

impl Mode {
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Provisioned => 1,
            Self::OnDemand => 2,
        }
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Provisioned, Self::OnDemand].into_iter().find(|mode| mode.code() == code)
    }
}

/// Who chooses the shard of a record. Kept and shown; every record brings a partition key, which decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    Auto,
    UserPartitionKey,
}

impl Distribution {
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Auto => 1,
            Self::UserPartitionKey => 2,
        }
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Auto, Self::UserPartitionKey].into_iter().find(|distribution| distribution.code() == code)
    }
}

/// A change that passes through CREATING, UPDATING or DELETING.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Create,
    Delete,
    Split { shard: ShardIndex, at: HashKey },
    Merge { shard: ShardIndex, adjacent: ShardIndex },
    Scale { target: u32 },
    Encrypt { key_id: String },
    Decrypt,
    Mode { mode: Mode, warm_mibps: Option<u32> },
    RecordSize { kib: u32 },
    Warm { mibps: u32 },
}

impl Change {
    /// What the stream shows while the change is under way.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Create => Status::Creating,
            Self::Delete => Status::Deleting,
            Self::Split { .. }
            | Self::Merge { .. }
            | Self::Scale { .. }
            | Self::Encrypt { .. }
            | Self::Decrypt
            | Self::Mode { .. }
            | Self::RecordSize { .. }
            | Self::Warm { .. } => Status::Updating,
        }
    }

    /// Whether the change may take several commits, so that a restart must know that it is under way.
    #[must_use]
    pub fn has_steps(&self) -> bool {
        matches!(self, Self::Scale { .. } | Self::Warm { .. } | Self::Mode { .. })
    }
}

/// A change under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// When it is to be carried out.
    pub due: Timestamp,
    pub change: Change,
}

/// When the rationed changes of a stream happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub mode_switches: Vec<Timestamp>,
    pub scalings: Vec<Timestamp>,
    pub encryption_starts: Vec<Timestamp>,
    pub encryption_stops: Vec<Timestamp>,
}

impl History {
    #[must_use]
    pub fn lists(&self) -> [&[Timestamp]; 4] {
        [&self.mode_switches, &self.scalings, &self.encryption_starts, &self.encryption_stops]
    }

    #[must_use]
    pub fn from_lists(lists: [Vec<Timestamp>; 4]) -> Self {
        let [mode_switches, scalings, encryption_starts, encryption_stops] = lists;
        Self { mode_switches, scalings, encryption_starts, encryption_stops }
    }
}

/// Notes a use at `now` unless there were `max` in the 24 hours before; answers whether there is room.
#[must_use]
pub fn use_ration(uses: &mut Vec<Timestamp>, max: usize, now: Timestamp) -> bool {
    uses.retain(|at| now.since(*at) < WINDOW);
    if uses.len() >= max {
        return false;
    }
    uses.push(now);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rations_roll_with_the_day() {
        let mut uses = Vec::new();
        let start = Timestamp::from_millis(1_700_000_000_000);
        assert!(use_ration(&mut uses, 2, start));
        assert!(use_ration(&mut uses, 2, start.plus(Duration::from_secs(3600))));
        assert!(!use_ration(&mut uses, 2, start.plus(Duration::from_secs(7200))));
        assert!(use_ration(&mut uses, 2, start.plus(WINDOW)));
        assert!(!use_ration(&mut uses, 2, start.plus(WINDOW)));
    }

    #[test]
    fn codes_are_stable() {
        for status in [Status::Creating, Status::Active, Status::Updating, Status::Deleting] {
            assert_eq!(Status::from_code(status.code()), Some(status));
        }
        assert_eq!(Status::from_code(0), None);
        assert_eq!(Mode::from_code(2), Some(Mode::OnDemand));
        assert_eq!(Distribution::from_code(1), Some(Distribution::Auto));
    }
}
