//! Where reading begins.

use std::str::FromStr;

use base::time::{Clock as _, SystemClock, Timestamp};

use super::reader::Position;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    Horizon,
    Latest,
    Time(Timestamp),
}

impl Beginning {
    pub fn position(self) -> Position {
        match self {
            Self::Horizon => Position::Horizon,
            Self::Latest => Position::Latest,
            Self::Time(time) => Position::Time(time),
        }
    }
}

impl FromStr for Beginning {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "horizon" => return Ok(Self::Horizon),
            "latest" => return Ok(Self::Latest),
            _ => {}
        }
        let now = SystemClock.now();
        if let Some(ago) = ago(text) {
            return Ok(Self::Time(Timestamp::from_millis(now.millis().saturating_sub(ago))));
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| {
            "expected horizon, latest, a time such as 2026-01-31T12:00:00Z, or how long ago: 30s, 15m, 2h, 1d"
                .to_owned()
        })?;
        if time.as_millisecond() > now.millis() {
            return Err("the time is in the future; latest begins with what comes from now on".to_owned());
        }
        Ok(Self::Time(Timestamp::from_millis(time.as_millisecond())))
    }
}

/// Milliseconds of `15m` and the like.
fn ago(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit: i64 = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings() {
        assert_eq!("horizon".parse(), Ok(Beginning::Horizon));
        assert_eq!("latest".parse(), Ok(Beginning::Latest));
        let time = Beginning::Time(Timestamp::from_millis(1_700_000_000_000));
        assert_eq!("2023-11-14T22:13:20Z".parse(), Ok(time));
        assert_eq!("2023-11-14T23:13:20+01:00".parse(), Ok(time));
        assert_eq!(ago("15m"), Some(900_000));
        for text in ["", "m", "yesterday", "-5m", "2999-01-01T00:00:00Z", "1.5h", "99999999999999999d"] {
            assert!(text.parse::<Beginning>().is_err(), "{text}");
        }
    }
}
