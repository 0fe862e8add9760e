//! Panics of the code under test: whoever catches them, a life in which one happened has failed.

use std::cell::RefCell;

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Notes panics from now on, in place of printing them.
pub fn watch() {
    std::panic::set_hook(Box::new(|panic| SEEN.with_borrow_mut(|seen| seen.push(panic.to_string()))));
}

/// Panics of this thread so far are of no interest.
pub fn forget() {
    SEEN.with_borrow_mut(Vec::clear);
}

/// The panics of this thread.
#[must_use]
pub fn take() -> Vec<String> {
    SEEN.with_borrow_mut(std::mem::take)
}
