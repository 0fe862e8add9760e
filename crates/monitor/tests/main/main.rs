//! The service through its trait.

mod alarms;
mod data;
mod limits;
mod own;
mod points;
mod world;
