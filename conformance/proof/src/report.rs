//! What a row is asked for and what it answers.

use serde_json::json;

/// How much is to be tried.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The first seed; trial n has seed + n.
    pub seed: u64,
    /// Trials.
    pub count: u64,
}

/// How a row ended, if it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    Passed { trials: u64, text: String },
    Skipped { reason: String },
}

impl Report {
    pub(crate) fn passed(trials: u64, text: String) -> Self {
        Self::Passed { trials, text }
    }
}

/// The last line of a run, for `cargo xtask proof`.
pub(crate) fn line(row: &str, options: &Options, outcome: &Result<Report, String>) -> String {
    let (state, count, text) = match outcome {
        Ok(Report::Passed { trials, text }) => ("passed", *trials, text),
        Ok(Report::Skipped { reason }) => ("skipped", 0, reason),
        Err(message) => ("failed", options.count, message),
    };
    json!({"row": row, "state": state, "seed": options.seed, "count": count, "text": text}).to_string()
}
