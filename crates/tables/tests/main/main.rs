//! The service on a catalog in memory, with a clock that the tests move. Requests and answers are JSON, as on the wire.

mod world;

mod batches;
mod conditions;
mod failures;
mod indexes;
mod items;
mod queries;
mod restarts;
mod scans;
mod session;
mod tables;
mod time_to_live;
mod transactions;
mod updates;
mod writers;
