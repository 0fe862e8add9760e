//! The time of a signature: `20231114T221320Z`, or an HTTP date.

use std::fmt;

use base::time::Timestamp;

const SECONDS_PER_DAY: i64 = 86_400;

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

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. Years are counted from March, so that the leap day
/// is the last of its year; an era is 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
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
    fn every_day_comes_back() {
        for day in (-200_000..200_000).step_by(13).chain([-1, 0, 58, 59, 60, 11_016, 19_782, 19_783]) {
            let (year, month, of_month) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, of_month), day, "{year}-{month}-{of_month}");
        }
        assert_eq!(civil_from_days(19_782), (2024, 2, 29));
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
