//! What the agent tells people: one line each, and what goes on failing not more often than now and then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::time::{Clock, Timestamp};

/// Between two lines about the same trouble.
const INTERVAL: Duration = Duration::from_secs(30);
/// Troubles that are told apart; those beyond are not told.
const TROUBLES_MAX: usize = 1000;

/// Tells people. Clones tell the same people.
#[derive(Clone)]
pub struct Notices {
    tell: Arc<dyn Fn(&str) + Send + Sync>,
    clock: Arc<dyn Clock>,
    troubles: Arc<Mutex<BTreeMap<String, Timestamp>>>,
}

impl Notices {
    /// `tell` is called with lines that have no newline at their end.
    pub fn new(clock: Arc<dyn Clock>, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { tell: Arc::new(tell), clock, troubles: Arc::default() }
    }

    pub fn say(&self, text: &str) {
        (self.tell)(text);
    }

    /// Says what does not work, unless it was said of the same thing (`what`) a moment ago.
    pub fn trouble(&self, what: &str, reason: &str) {
        let now = self.clock.now();
        {
            let mut troubles = self.troubles();
            if troubles.len() >= TROUBLES_MAX {
                // Some are over without a word, as those of files that are gone.
                troubles.retain(|_, said| now.since(*said) < INTERVAL);
            }
            match troubles.get(what) {
                Some(said) if now.since(*said) < INTERVAL => return,
                None if troubles.len() >= TROUBLES_MAX => return,
                _ => troubles.insert(what.to_owned(), now),
            };
        }
        self.say(&format!("{what}: {reason}"));
    }

    /// Says that something works again, if it was said that it does not.
    pub fn over(&self, what: &str) {
        if self.troubles().remove(what).is_some() {
            self.say(&format!("{what}: works again"));
        }
    }

    fn troubles(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use base::time::ManualClock;

    use super::*;

    #[test]
    fn a_trouble_is_told_now_and_then_and_when_it_is_over() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let said = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&said);
        let notices = Notices::new(Arc::clone(&clock) as _, move |text| {
            into.lock().expect("no panic").push(text.to_owned());
        });
        for reason in ["1", "2"] {
            notices.trouble("a", reason);
        }
        notices.trouble("b", "1");
        clock.advance(INTERVAL);
        notices.trouble("a", "3");
        notices.over("a");
        notices.over("a");
        assert_eq!(*said.lock().expect("no panic"), ["a: 1", "b: 1", "a: 3", "a: works again"]);
    }
}
