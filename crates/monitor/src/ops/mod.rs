//! The operations, one thin file per family: check, ask the domain, shape the answer.

mod alarm_checks;
pub mod alarms;
pub mod data;
pub mod list;
pub mod put;
pub mod statistics;
