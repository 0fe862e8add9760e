//! The operations, one thin file per family: find the table, ask the domain, shape the answer.

pub mod batch;
pub mod items;
pub mod query;
pub mod scan;
pub mod transact;

pub mod backups;
pub mod tables;
pub mod tags;
pub mod time_to_live;
pub mod update_table;

mod capacity;
pub mod definition;
pub mod forms;
pub mod reading;
mod shapes;
