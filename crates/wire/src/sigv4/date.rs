//! The time of a signature: `20231114T221320Z`, or an HTTP date.

use std::fmt;

use base::time::Timestamp;

use crate::calendar::{SECONDS_PER_DAY, civil_from_days, days_from_civil, number};

/// A point in time as signatures write it; whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AmzDate(Timestamp);

impl AmzDate {
    pub fn new(time: Timestamp) -> Self {
        Self(Timestamp::from_millis(time.seconds().saturating_mul(1000)))
    }

    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// Reads `YYYYMMDDTHHMMSSZ`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        let number = |from: usize, to: usize| number(&bytes[from..to]);
        Self::from_civil(
            [number(0, 4)?, number(4, 6)?, number(6, 8)?],
            [number(9, 11)?, number(11, 13)?, number(13, 15)?],
        )
    }

    /// Reads the `Date` header's form, `Tue, 14 Nov 2023 22:13:20 GMT`.
    pub fn parse_http(text: &str) -> Option<Self> {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (_, rest) = text.split_once(", ")?;
        let mut parts = rest.split(' ');
        let day = number(parts.next()?.as_bytes())?;
        let name = parts.next()?;
        let month = MONTHS.iter().position(|m| *m == name)?;
        let year = number(parts.next()?.as_bytes())?;
        let mut time = parts.next()?.split(':').map(|part| number(part.as_bytes()));
        let clock = [time.next()??, time.next()??, time.next()??];
        if parts.next()? != "GMT" || parts.next().is_some() || time.next().is_some() {
            return None;
        }
        Self::from_civil([year, i64::try_from(month).ok()? + 1, day], clock)
    }

    fn from_civil([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        Some(Self(Timestamp::from_millis(seconds * 1000)))
    }

    /// `YYYYMMDD`, as credential scopes have it.
    pub fn day(self) -> String {
        let mut text = self.to_string();
        text.truncate(8);
        text
    }
}

impl fmt::Display for AmzDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let clock = seconds.rem_euclid(SECONDS_PER_DAY);
        write!(f, "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", clock / 3600, clock / 60 % 60, clock % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_second() {
        let date = AmzDate::parse("20231114T221320Z").expect("basic form");
        assert_eq!(date.timestamp().seconds(), 1_700_000_000);
        assert_eq!(AmzDate::parse_http("Tue, 14 Nov 2023 22:13:20 GMT"), Some(date));
        assert_eq!(date.day(), "20231114");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "20231114T221320", "20231114t221320Z", "20231314T221320Z", "2023111aT221320Z", "ééééééää"]
        {
            assert_eq!(AmzDate::parse(text), None, "{text}");
        }
        for text in ["", "14 Nov 2023", "Tue, 14 Nov 2023 22:13 GMT", "Tue, 14 Nov 2023 22:13:20 CET"] {
            assert_eq!(AmzDate::parse_http(text), None, "{text}");
        }
    }
}
