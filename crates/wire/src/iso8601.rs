//! Times of the query protocol: `2023-11-14T22:13:20Z`.

use std::io::Write as _;

use base::time::Timestamp;

use crate::calendar::{SECONDS_PER_DAY, civil_from_days, days_from_civil, number};

/// Reads a date with a time of day, with or without a fraction of the second, in UTC or at an offset from it. What
/// is finer than a millisecond is cut off; a time that names no zone is in UTC.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (clock, rest) = (bytes.get(..19)?, &bytes[19..]);
    let separators = [clock[4], clock[7], clock[10], clock[13], clock[16]];
    if separators != *b"--T::" {
        return None;
    }
    let field = |from: usize, to: usize| number(&clock[from..to]);
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    let days = days_from_civil(year, month, day);
    if civil_from_days(days) != (year, month, day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (millis, zone) = fraction(rest)?;
    let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_seconds(zone)?;
    Some(Timestamp::from_millis(seconds * 1000 + millis))
}

/// The milliseconds of a fraction, and what follows it.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digit = |place: usize| digits[..len].get(place).map_or(0, |digit| i64::from(digit - b'0'));
    (len > 0).then(|| (digit(0) * 100 + digit(1) * 10 + digit(2), &digits[len..]))
}

/// How far a zone is ahead of UTC: `Z`, `+01:00`, `-0330`.
fn offset_seconds(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        b"" | b"Z" => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let seconds = number(&hours)? * 3600 + number(&minutes)? * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// Appends a time in UTC, with three digits for the milliseconds when there are any.
pub(crate) fn write(out: &mut Vec<u8>, time: Timestamp) {
    let (seconds, millis) = (time.seconds(), time.millis().rem_euclid(1000));
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let clock = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    let written = if millis == 0 {
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    } else {
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    };
    written.expect("a buffer in memory takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, millis: i64) {
        assert_eq!(parse(text), Some(Timestamp::from_millis(millis)), "{text}");
    }

    #[test]
    fn forms_of_one_moment() {
        for text in
            ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20", "2023-11-14T23:13:20+01:00", "2023-11-14T18:43:20-0330"]
        {
            check(text, 1_700_000_000_000);
        }
        for text in ["2023-11-14T22:13:20.123Z", "2023-11-14T22:13:20.123456Z", "2023-11-14T22:13:20.123999999Z"] {
            check(text, 1_700_000_000_123);
        }
        check("2023-11-14T22:13:20.1Z", 1_700_000_000_100);
        check("1969-12-31T23:59:59.999Z", -1);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "1700000000",
            "1.44409e+012",
            "2023-11-14",
            "2023-11-14 22:13:20Z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20ZZ",
            "2023-11-14T22:13:20+1",
            "2023-11-14T22:13:20 01:00",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:13:2éZ",
            "-023-11-14T22:13:20Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20Z"),
            (1_700_000_000_007, "2023-11-14T22:13:20.007Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            let mut out = Vec::new();
            write(&mut out, Timestamp::from_millis(millis));
            assert_eq!(String::from_utf8_lossy(&out), text);
            check(text, millis);
        }
    }
}
