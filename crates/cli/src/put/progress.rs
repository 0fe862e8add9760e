//! The bar that a person sees while records are written.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

pub struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// Draws on standard error when that is a terminal.
    pub fn new(bytes_total: Option<u64>) -> Self {
        let bar = match bytes_total {
            _ if !std::io::stderr().is_terminal() => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
            Some(total) => ProgressBar::new(total).with_style(style("{wide_bar} {percent:>3} %  {msg}  {eta} left")),
            None => ProgressBar::no_length().with_style(style("{spinner} {binary_bytes}  {msg}")),
        };
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, started: Instant::now() }
    }

    pub fn advance(&self, bytes: u64, records: u64) {
        self.bar.inc(bytes);
        let rate = rate(records, self.started.elapsed());
        self.bar.set_message(format!("{} records, {} records/s", output::count(records), output::count(rate)));
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Whole records per second.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float to int casts saturate")]
pub fn rate(records: u64, elapsed: Duration) -> u64 {
    (records as f64 / elapsed.as_secs_f64().max(0.001)) as u64
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("templates are constants that the tests parse")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_parse_and_rates_are_whole() {
        for total in [Some(10), None] {
            let progress = Progress::new(total);
            progress.advance(1, 1);
            progress.finish();
        }
        style("{wide_bar} {percent:>3} %  {msg}  {eta} left");
        style("{spinner} {binary_bytes}  {msg}");
        assert_eq!(rate(10, Duration::from_secs(4)), 2);
    }
}
