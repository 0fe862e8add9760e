//! Times as ISO 8601 text.

use base::time::Timestamp;

const MILLIS_PER_DAY: i64 = 24 * 3600 * 1000;

/// `2026-11-21T13:34:33.000+0000`, as the service's notifications have it.
#[must_use]
pub fn date_text(time: Timestamp) -> String {
    let (days, millis) = (time.millis().div_euclid(MILLIS_PER_DAY), time.millis().rem_euclid(MILLIS_PER_DAY));
    let (year, month, day) = civil(days);
    let seconds = millis / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}+0000", millis % 1000)
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years are counted from March, so that the
/// leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months + 2) / 5 + 1;
    let month = if months < 10 { months + 3 } else { months - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000+0000"),
            (951_827_696_789, "2000-02-29T12:34:56.789+0000"),
            (1_700_000_000_000, "2023-11-14T22:13:20.000+0000"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999+0000"),
            (-1, "1969-12-31T23:59:59.999+0000"),
        ] {
            assert_eq!(date_text(Timestamp::from_millis(millis)), expected);
        }
    }
}
