//! Tables for people, JSON for machines.

use std::io::{self, ErrorKind, Write as _};

use base::time::Timestamp;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For machines
    Json,
}

/// A table with the given heads.
#[must_use]
pub fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heads.iter().map(|head| head.to_uppercase()));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// A table of names and values.
#[must_use]
pub fn facts(rows: Vec<(&str, String)>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for (name, value) in rows {
        table.add_row([name.to_owned(), value]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Prints a table without the blanks that fill its last column.
pub fn print_table(table: &Table) -> Result<(), Failure> {
    print(&table.trim_fmt())
}

pub fn print_json(value: &Value) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value).expect("values have text keys"))
}

/// Prints a line. A reader that has seen enough (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::io("cannot write the output", &error)),
        _ => Ok(()),
    }
}

/// Prints a line to standard error. When that fails there is nobody left to tell.
pub fn say(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// RFC 3339, in UTC, with milliseconds.
#[must_use]
pub fn time(timestamp: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(timestamp.millis()).unwrap_or_default();
    format!("{time:.3}")
}

/// With thousands set apart.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(value), text);
        }
        assert_eq!(time(Timestamp::from_millis(1_700_000_000_123)), "2023-11-14T22:13:20.123Z");
        assert_eq!(time(Timestamp::from_millis(i64::MAX)), "1970-01-01T00:00:00.000Z");
    }
}
