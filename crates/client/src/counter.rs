//! Counts that many tasks add to, and what users see of them.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, count: usize) {
        self.0.store(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes the public struct of numbers, and `Counters` of the same fields, which it is a snapshot of.
macro_rules! counters {
    ($(#[$doc:meta])* $metrics:ident { $($(#[$field_doc:meta])* $name:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $metrics {
            $($(#[$field_doc])* pub $name: u64,)*
        }

        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub $name: $crate::counter::Counter,)*
        }

        impl Counters {
            pub(super) fn snapshot(&self) -> $metrics {
                $metrics { $($name: self.$name.get(),)* }
            }
        }
    };
}

pub(crate) use counters;
