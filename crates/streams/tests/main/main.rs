//! The service on engines in memory, with a clock that the tests move.

mod engines;
mod world;

mod accounts;
mod consumers;
mod create;
mod failures;
mod history;
mod iterators;
mod limits;
mod lineage;
mod listing;
mod meters;
mod model;
mod puts;
mod races;
mod reads;
mod resharding;
mod restarts;
mod settings;
mod subscriptions;
mod tags;
mod tiling;
mod transitions;
mod vectors;
