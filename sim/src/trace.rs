//! What happened, in order: the last lines as text, all of them as one number.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Clones write to the same trace.
#[derive(Clone)]
pub struct Trace {
    began: Instant,
    state: Arc<Mutex<State>>,
}

struct State {
    lines_max: usize,
    hash: DefaultHasher,
    lines: VecDeque<String>,
    count: u64,
}

impl Trace {
    /// Times in the trace count from now. Keeps so many lines.
    #[must_use]
    pub fn begin(lines_max: usize) -> Self {
        // The default hasher has fixed keys: the same lines give the same number in every process.
        let state = State { lines_max, hash: DefaultHasher::new(), lines: VecDeque::new(), count: 0 };
        Self { began: Instant::now(), state: Arc::new(Mutex::new(state)) }
    }

    /// Milliseconds since the beginning.
    #[must_use]
    pub fn millis(&self) -> u128 {
        self.began.elapsed().as_millis()
    }

    pub fn note(&self, who: &str, what: fmt::Arguments<'_>) {
        let millis = self.millis();
        let mut state = self.state();
        let is_full = state.lines.len() >= state.lines_max;
        let mut line = if is_full { state.lines.pop_front().unwrap_or_default() } else { String::new() };
        line.clear();
        write!(line, "{millis:>7} {who:<8} {what}").expect("strings can be written to");
        state.hash.write(line.as_bytes());
        state.hash.write_u8(b'\n');
        state.lines.push_back(line);
        state.count += 1;
    }

    /// Stands for all lines so far.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.state().hash.finish()
    }

    /// Lines so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state().count
    }

    /// The last lines.
    #[must_use]
    pub fn tail(&self) -> Vec<String> {
        self.state().lines.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
