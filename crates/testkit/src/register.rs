//! A setting that one client changes now and then: what may it be at a given moment?

use crate::history::Mark;

/// Attempts to change a setting, in order. The next is sent only when the one before has been answered or given up.
#[derive(Debug, Clone)]
pub struct Register<T> {
    first: T,
    attempts: Vec<(T, Option<Mark>)>,
}

impl<T: Clone + PartialEq> Register<T> {
    /// The value before the first attempt.
    #[must_use]
    pub fn new(first: T) -> Self {
        Self { first, attempts: Vec::new() }
    }

    /// An attempt is about to be sent.
    pub fn invoke(&mut self, value: T) {
        self.attempts.push((value, None));
    }

    /// The last attempt was acknowledged.
    pub fn acknowledge(&mut self, now: Mark) {
        if let Some((_, acknowledged)) = self.attempts.last_mut() {
            *acknowledged = Some(now);
        }
    }

    /// Everything after `mark` has been undone, by a return to an earlier state: values of later attempts remain possible.
    pub fn forget_since(&mut self, mark: Mark) {
        for (_, acknowledged) in &mut self.attempts {
            *acknowledged = acknowledged.filter(|time| *time <= mark);
        }
    }

    /// What was acknowledged after `from` and not after `to` may hold or not.
    pub fn doubt(&mut self, from: Mark, to: Mark) {
        for (_, acknowledged) in &mut self.attempts {
            *acknowledged = acknowledged.filter(|time| *time <= from || *time > to);
        }
    }

    /// The values that are right when everything that was acknowledged until `mark` holds: that of the last such attempt, and
    /// those of the attempts after it.
    #[must_use]
    pub fn possible(&self, mark: Mark) -> Vec<T> {
        let held = self.attempts.iter().rposition(|(_, acknowledged)| acknowledged.is_some_and(|time| time <= mark));
        let later = self.attempts[held.map_or(0, |held| held + 1)..].iter().map(|(value, _)| value.clone());
        let held = held.map_or_else(|| self.first.clone(), |held| self.attempts[held].0.clone());
        std::iter::once(held).chain(later).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;

    #[test]
    fn the_last_acknowledged_value_and_all_later_ones_are_possible() {
        let mut history = History::new();
        let mut register = Register::new(0);
        assert_eq!(register.possible(history.mark()), [0]);
        register.invoke(1);
        assert_eq!(register.possible(history.mark()), [0, 1]);
        let before = history.mark();
        history.invoke("k", "a");
        register.acknowledge(history.mark());
        assert_eq!(register.possible(before), [0, 1]);
        assert_eq!(register.possible(history.mark()), [1]);
        register.invoke(2);
        register.invoke(3);
        assert_eq!(register.possible(history.mark()), [1, 2, 3]);
        let mut doubted = register.clone();
        doubted.doubt(history.mark(), history.mark());
        assert_eq!(doubted.possible(history.mark()), [1, 2, 3]);
        doubted.doubt(before, history.mark());
        assert_eq!(doubted.possible(history.mark()), [0, 1, 2, 3]);
        register.forget_since(before);
        assert_eq!(register.possible(history.mark()), [0, 1, 2, 3]);
    }
}
