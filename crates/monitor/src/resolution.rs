//! How finely time is cut: points age from minutes to five minutes to hours, and are forgotten after 455 days.

use std::time::Duration;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resolution {
    Minute,
    FiveMinutes,
    Hour,
}

impl Resolution {
    pub const ALL: [Self; 3] = [Self::Minute, Self::FiveMinutes, Self::Hour];

    /// In keys of rows.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
        }
    }

    /// Length of a point.
    #[must_use]
    pub fn point_seconds(self) -> i64 {
        match self {
            Self::Minute => MINUTE,
            Self::FiveMinutes => 5 * MINUTE,
            Self::Hour => HOUR,
        }
    }

    /// Length of a chunk: the points that share a row.
    #[must_use]
    pub fn chunk_seconds(self) -> i64 {
        match self {
            Self::Minute => HOUR,
            Self::FiveMinutes => DAY,
            Self::Hour => 30 * DAY,
        }
    }

    /// How long points are kept in this resolution.
    #[must_use]
    pub fn kept(self) -> Duration {
        let days = match self {
            Self::Minute => 15,
            Self::FiveMinutes => 63,
            Self::Hour => 455,
        };
        Duration::from_secs(days * DAY.unsigned_abs())
    }

    /// What points become when they are too old for this resolution; `None` when they go.
    #[must_use]
    pub fn coarser(self) -> Option<Self> {
        match self {
            Self::Minute => Some(Self::FiveMinutes),
            Self::FiveMinutes => Some(Self::Hour),
            Self::Hour => None,
        }
    }

    /// Chunk and index in it of a second; times before 1970 count as 1970.
    #[must_use]
    pub fn place(self, second: i64) -> (u32, u32) {
        let second = second.max(0);
        let chunk = u32::try_from(second / self.chunk_seconds()).unwrap_or(u32::MAX);
        (chunk, (second % self.chunk_seconds() / self.point_seconds()) as u32)
    }

    /// Second at which a point begins.
    #[must_use]
    pub fn second(self, chunk: u32, index: u32) -> i64 {
        i64::from(chunk) * self.chunk_seconds() + i64::from(index) * self.point_seconds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_back_to_times() {
        for resolution in Resolution::ALL {
            let second = 1_700_000_000;
            let (chunk, index) = resolution.place(second);
            let begin = resolution.second(chunk, index);
            assert!((begin..begin + resolution.point_seconds()).contains(&second), "{resolution:?}");
            assert!(i64::from(index) < resolution.chunk_seconds() / resolution.point_seconds());
        }
        assert_eq!(Resolution::Minute.place(-1), (0, 0));
        assert_eq!(Resolution::Minute.place(i64::MAX).0, u32::MAX);
    }
}
