//! Dates as the service prints them in messages: `Thu Jan 22 01:22:02 UTC 2015`.

use base::time::Timestamp;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The date and time in UTC.
#[must_use]
pub fn date_text(at: Timestamp) -> String {
    let (day, second) = (at.seconds().div_euclid(86_400), at.seconds().rem_euclid(86_400));
    let (year, month, date) = civil(day);
    let weekday = DAYS[day.rem_euclid(7) as usize];
    let month = MONTHS[month as usize - 1];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {month} {date:02} {hour:02}:{minute:02}:{second:02} UTC {year}")
}

/// Year, month and day of the month of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year, and in eras of 400 years.
fn civil(day: i64) -> (i64, i64, i64) {
    let from_year_zero = day + 719_468;
    let era = from_year_zero.div_euclid(146_097);
    let day_of_era = from_year_zero.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_service() {
        for (seconds, text) in [
            (1_421_889_722, "Thu Jan 22 01:22:02 UTC 2015"),
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (951_782_400, "Tue Feb 29 00:00:00 UTC 2000"),
            (1_709_251_199, "Thu Feb 29 23:59:59 UTC 2024"),
        ] {
            assert_eq!(date_text(Timestamp::from_millis(seconds * 1000)), text);
        }
    }
}
