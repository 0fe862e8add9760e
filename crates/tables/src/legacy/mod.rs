//! The older form of conditions, filters, key conditions and updates: structures instead of expressions. What KCL sends.

mod conditions;
mod updates;

pub use conditions::{ConditionError, expected, filter, key_tests};
pub use updates::{LegacyUpdateError, updates};
